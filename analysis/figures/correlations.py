"""Every metric against every other as one square: across runs above, within rungs below."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.figure import Figure

from analysis.figures.style import COLUMN, INK, PAGE, styled
from analysis.metrics.correlation import Correlation
from analysis.words import metric_label

CELL, MARGIN = 0.46, 1.9
"""Inches a cell takes, and the names and colour bar beside the square."""
DARK, FADED = 0.65, 0.3
"""From what absolute correlation on numbers are white; how strong a faded colour is."""


def correlation_matrix(found: Sequence[Correlation], kind: str = "spearman") -> Figure | None:
    """`kind` is spearman, kendall or pearson; cells not told apart from none are faded.

    None with fewer than two metrics that vary.
    """
    shown = [item for item in found if item.view in ("across", "within_rung")]
    varies = {
        name
        for item in shown
        if np.isfinite(getattr(item, kind).value)
        for name in (item.first, item.second)
    }
    order = dict.fromkeys(name for item in shown for name in (item.first, item.second))
    names = [name for name in order if name in varies]
    if len(names) < 2:
        return None
    place = {name: i for i, name in enumerate(names)}
    values = np.full((len(names), len(names)), np.nan)
    strength = np.ones_like(values)
    cells = []
    for item in shown:
        if item.first in place and item.second in place:
            low, high = sorted((place[item.first], place[item.second]))
            row, column = (low, high) if item.view == "across" else (high, low)
            values[row, column] = getattr(item, kind).value
            strength[row, column] = 1 if getattr(item, kind).clear else FADED
            cells.append((row, column, getattr(item, kind)))
    with styled():
        side = min(max(CELL * len(names) + MARGIN, COLUMN), PAGE)
        figure = Figure(figsize=(side, side * 0.92))
        axes = figure.add_subplot()
        image = axes.imshow(values, cmap=_colours(), vmin=-1, vmax=1, alpha=strength)
        size = float(np.clip(6.5 * (side - MARGIN) / (CELL * len(names)), 3, 6.5))
        for row, column, bounded in cells:
            if np.isfinite(bounded.value):
                axes.text(
                    column,
                    row,
                    f"{bounded.value:.2f}".replace("0.", ".").replace("-", "−"),
                    ha="center",
                    va="center",
                    fontsize=size,
                    color="white" if bounded.clear and abs(bounded.value) > DARK else INK,
                    fontweight="bold" if bounded.clear else "normal",
                )
        _frame(axes, [metric_label(name) for name in names])
        bar = figure.colorbar(image, ax=axes, shrink=0.5, aspect=18, pad=0.02)
        bar.set_label(f"{kind.capitalize()} correlation")
        bar.outline.set_visible(False)
        axes.set_title("above: across runs · below: within rungs\nfaded: interval includes zero")
    return figure


def _colours() -> Colormap:
    """Red to blue through white, which the colour-blind tell apart; absent pairs are pale grey."""
    return matplotlib.colormaps["RdBu"].with_extremes(bad="#f0f0f0")


def _frame(axes: Axes, labels: list[str]) -> None:
    count = len(labels)
    axes.set_xticks(range(count), labels, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(count), labels)
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.plot([-0.5, count - 0.5], [-0.5, count - 0.5], color=INK, lw=0.6)
    for edge in np.arange(count + 1) - 0.5:
        axes.axhline(edge, color="white", lw=0.8)
        axes.axvline(edge, color="white", lw=0.8)
    axes.set_xlim(-0.5, count - 0.5)
    axes.set_ylim(count - 0.5, -0.5)
