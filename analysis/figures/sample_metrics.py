"""Distances of samples against size, beside the control of real images."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.style import INK, log_size, panels, rung_colours, styled
from analysis.proxies import HALF, judge_of, rates_of
from analysis.sample_metrics import Measured, SampleMetric
from analysis.sample_sheets import distances_of
from analysis.study import Series
from analysis.words import metric_label

NEAR = 0.3
"""Share of the lowest value from which on a line leaves the points room."""


def sample_metrics_figure(series: Series) -> Figure | None:
    """A panel for each metric; None where none was measured."""
    found = distances_of(series)
    if not found:
        return None
    with styled():
        figure, axes = panels([metric_label(item.metric) for item in found])
        for panel, item in zip(axes, found, strict=True):
            _panel(panel, item)
            panel.set_xlabel(metric_label(series.selection.size))
    return figure


def _panel(axes: Axes, item: SampleMetric) -> None:
    draw_control(axes, item.control)
    for rung, colour in zip(item.rungs, rung_colours(len(item.rungs)), strict=True):
        ends = [[rung.mean.value - rung.mean.low], [rung.mean.high - rung.mean.value]]
        axes.errorbar(
            rung.size, rung.mean.value, yerr=ends, fmt="o", color=colour, capsize=2, lw=0.9
        )
    log_size(axes, np.array([rung.size for rung in item.rungs]))
    axes.margins(x=0.08)
    axes.legend(loc="upper right")


def proxies_figure(series: Series) -> Figure | None:
    """Rates of preference by judge, up to the one half that they tend to; None without any."""
    found = rates_of(series)
    if not found:
        return None
    with styled():
        figure, axes = panels([judge_of(item) for item in found], share_y=True)
        for panel, item in zip(axes, found, strict=True):
            _panel(panel, item)
            panel.axhline(HALF, color=INK, lw=0.6, ls=":", label="one half")
            panel.legend(loc="upper left")
            panel.set_xlabel(metric_label(series.selection.size))
        axes[0].set_ylim(-0.03, 1.03)
        axes[0].set_ylabel("generated preferred to real")
    return figure


def show_control(axes: Axes, control: Measured, lowest: float) -> None:
    """On a logarithmic axis: a line where it is near the `lowest` value, else a number."""
    if control.low > 0 and control.value > NEAR * lowest:
        draw_control(axes, control)
    else:
        place, text = (0.03, 0.11), f"real images: {control}"
        axes.annotate(text, place, xycoords="axes fraction", size=6.5)


def draw_control(axes: Axes, control: Measured) -> None:
    """A line with its interval: real images in the samples' place."""
    axes.axhline(control.value, color=INK, lw=0.8, ls="--", label="real images")
    axes.axhspan(control.low, control.high, color=INK, alpha=0.12, lw=0)
