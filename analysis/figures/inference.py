"""A metric of samples over the grid of inference settings, of the largest rung."""

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from analysis.figures.style import COLUMN, HELD_OUT, INK, PAGE, styled
from analysis.inference import Inference
from analysis.rounding import rounded
from analysis.study import Series
from analysis.words import metric_label

CELL = 0.62
"""Inches of a cell's width."""


def inference_grid(series: Series) -> Figure | None:
    """A cell for each setting, the longest list across; framed: what most of its runs chose."""
    found = series.inference
    if found is None or len(found.grid) < 2:
        return None
    rows, columns, cells = _places(list(found.grid))
    values = np.full((len(rows), len(columns)), np.nan)
    for name, (row, column) in cells.items():
        values[row, column] = found.grid[name].value
    with styled():
        width = float(np.clip(CELL * len(columns) + 1.6, COLUMN, PAGE))
        figure = Figure(figsize=(width, 0.3 * len(rows) + 1.1))
        axes = figure.add_subplot()
        # The better, the paler, whether that is less or more.
        worse = -values if found.rule.startswith("greatest") else values
        ramp = matplotlib.colormaps["viridis_r"].with_extremes(bad="white")
        axes.imshow(worse, cmap=ramp, aspect="auto")
        _write(axes, found, cells, worse)
        axis, _, _ = columns[0].partition("=")
        axes.set_xticks(range(len(columns)), [name.partition("=")[2] for name in columns])
        axes.set_yticks(range(len(rows)), [_words(name) for name in rows])
        axes.set_xlabel(axis.replace("_", " "))
        axes.set_title(f"{metric_label(found.metric)} of {found.rungs[-1].rung}, to choose by")
        axes.tick_params(length=0)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
    return figure


def _write(
    axes: Axes, found: Inference, cells: dict[str, tuple[int, int]], worse: np.ndarray
) -> None:
    """Values, white where the colour is dark, and a frame about what was chosen."""
    low, high = np.nanmin(worse), np.nanmax(worse)
    for name, (row, column) in cells.items():
        item = found.grid[name]
        dark = worse[row, column] > low + 0.45 * (high - low)
        text = rounded(item.value, item.low, item.high)[0]
        colour = "white" if dark else INK
        axes.text(column, row, text, ha="center", va="center", fontsize=6.5, color=colour)
    row, column = cells[found.rungs[-1].settings[0][0]]
    axes.add_patch(
        Rectangle((column - 0.47, row - 0.45), 0.94, 0.9, fill=False, ec=HELD_OUT, lw=1.6)
    )


def _places(names: list[str]) -> tuple[list[str], list[str], dict[str, tuple[int, int]]]:
    """Row and column headings, and each setting's place: its longest list is across."""
    parts = {name: name.split(" ") for name in names}
    lists: dict[str, dict[str, None]] = {}
    for item in parts.values():
        for part in item:
            lists.setdefault(part.partition("=")[0], {})[part] = None
    across = max(lists, key=lambda axis: len(lists[axis]))
    columns = list(lists[across])
    told = {name: " ".join(p for p in item if p not in columns) for name, item in parts.items()}
    rows = list(dict.fromkeys(told.values()))
    column_of = {name: next(p for p in item if p in columns) for name, item in parts.items()}
    cells = {n: (rows.index(told[n]), columns.index(column_of[n])) for n in names}
    return rows, columns, cells


def _words(setting: str) -> str:
    return setting.replace(" ", ", ").replace("_", " ").replace("=", " ")
