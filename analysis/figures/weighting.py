"""The weighting that predicts a metric best, with its band, beside the published ones."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from analysis.figures.style import INK, PAGE, styled
from analysis.metrics.found import Refused, WeightingSearch
from analysis.metrics.weightings import FIXED, cells
from analysis.words import metric_label

STYLES: dict[str, dict[str, Any]] = {
    "searched": {"color": INK, "ls": "-", "marker": "o"},
    "laplace": {"color": "#d55e00", "ls": "-", "marker": "s"},
    "min_snr_5": {"color": "#0072b2", "ls": "--", "marker": "D"},
    "elbo": {"color": "#009e73", "ls": "-", "marker": "^"},
    "sigmoid": {"color": "#cc79a7", "ls": "--", "marker": "v"},
    "epsilon": {"color": "#e69f00", "ls": "-.", "marker": "P"},
    "uniform": {"color": "#56b4e9", "ls": ":", "marker": "X"},
}
"""Okabe & Ito's palette; line styles and marks say the same without colour."""
LINE = ("color", "ls")
LOWEST, LEAST_ERROR = 3e-4, 1e-4
"""Of the largest weight, and of the mean's error: what is less is not drawn, or drawn there."""


def weighting_search(found: WeightingSearch | Refused | None) -> Figure | None:
    """w(lambda) of the epsilon-error on the left, errors on rungs left out on the right."""
    if not isinstance(found, WeightingSearch):
        return None
    with styled():
        figure = Figure(figsize=(PAGE, 2.9))
        curves, errors = figure.subplots(1, 2, width_ratios=(1.25, 1))
        _weightings(curves, found)
        _errors(errors, found)
        seen = "between runs of one rung" if found.within else "across runs"
        figure.suptitle(f"{metric_label(found.target)}, {seen}", fontsize=8)
    return figure


def _weightings(axes: Axes, found: WeightingSearch) -> None:
    """Each scaled so that the mean run's loss is one; ours is left out where nothing predicts."""
    log_snr, loss = np.array(found.log_snr), np.array(found.loss)
    fine = np.linspace(log_snr[0], log_snr[-1], 401)
    width, central = cells(fine), np.abs(fine) < np.abs(fine).max() / 2
    w = np.array(found.weighting)
    peaks = [w.max()] if found.verdict != "nothing" else []
    for name, item in FIXED.items():
        curve = item.on_epsilon(fine, found.error)
        curve = curve / (width @ (curve * np.interp(fine, log_snr, loss)))
        axes.plot(fine, curve, lw=0.9, **{key: STYLES[name][key] for key in LINE})
        peaks.append(curve[central].max())
    if found.verdict == "nothing":
        text = "no weighting is seen to predict it"
        plain = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
        axes.text(0.5, 0.05, text, ha="center", transform=axes.transAxes, bbox=plain)
    else:
        axes.fill_between(log_snr, found.low, found.high, color=INK, alpha=0.15, lw=0)
        axes.plot(log_snr, w, "o-", color=INK, lw=1.5, ms=3)
    axes.set_yscale("log")
    axes.set_ylim(max(peaks) * LOWEST, max(peaks) * 2)
    axes.margins(x=0.01)
    axes.set_xlabel("log-SNR (noisy to clean)")
    axes.set_ylabel("weighting of the epsilon-error")


def _errors(axes: Axes, found: WeightingSearch) -> None:
    """A row a weighting, best on top; pale marks are single rungs."""
    rows = sorted((found.searched, *found.fixed), key=lambda item: -item.rmse)
    null = found.searched.rmse / np.sqrt(max(1 - found.searched.r2, 1e-30))
    least = null * LEAST_ERROR
    for place, item in enumerate(rows):
        style = {"color": STYLES[item.name]["color"], "marker": STYLES[item.name]["marker"]}
        each = np.maximum(item.rung_errors, least)
        axes.axhline(place, lw=0.9, alpha=0.6, **{key: STYLES[item.name][key] for key in LINE})
        axes.plot(each, np.full(len(each), place), ls="none", ms=3, alpha=0.45, mew=0, **style)
        axes.plot(max(item.rmse, least), place, ls="none", ms=5.5, zorder=3, **style)
    axes.axvline(null, color=INK, lw=0.8, ls=(0, (4, 3)))
    axes.set_ylim(-0.6, len(rows) - 0.1)
    axes.text(null, len(rows) - 0.45, "the mean ", ha="right", va="center", fontsize=6, color=INK)
    axes.set_yticks(range(len(rows)), [item.label for item in rows])
    for label, item in zip(axes.get_yticklabels(), rows, strict=True):
        label.set_fontweight("bold" if item is found.searched else "normal")
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
    scale, unit = (100, "%") if found.logs else (1, "")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{scale * x:.2g}{unit}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("error on rungs left out (pale: single rungs)")
    axes.grid(visible=False, axis="y")
