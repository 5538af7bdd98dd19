"""The generalisation gap against parameters."""

import numpy as np
from matplotlib.figure import Figure

from analysis.figures.style import (
    COLUMN,
    HELD_OUT,
    INK,
    log_size,
    rung_colours,
    styled,
)
from analysis.study import Series
from analysis.words import metric_label


def generalisation_gap(series: Series) -> Figure | None:
    """Held-out minus training loss in per cent of the loss; data-limited rungs are ringed."""
    rungs = [item for item in series.rungs if item.gap]
    if not rungs:
        return None
    with styled():
        figure = Figure(figsize=(COLUMN, 2.2))
        axes = figure.add_subplot()
        axes.axhline(0, color=INK, lw=0.6)
        for item, colour in zip(rungs, rung_colours(len(rungs)), strict=True):
            if item.gap is None:
                continue
            share = 100 / item.loss.value
            axes.errorbar(
                item.size,
                share * item.gap.value,
                yerr=2 * share * item.gap.standard_error,
                fmt="o",
                color=colour,
                capsize=2,
                lw=0.9,
            )
            if item.gap.data_limited:
                axes.plot(
                    item.size, share * item.gap.value, "o", ms=9, mfc="none", mec=HELD_OUT, mew=1.2
                )
        if any(item.gap and item.gap.data_limited for item in rungs):
            axes.plot([], [], "o", ms=7, mfc="none", mec=HELD_OUT, label="data-limited")
            axes.legend(loc="upper left")
        log_size(axes, np.array([item.size for item in rungs]))
        axes.margins(x=0.08)
        axes.set_xlabel(metric_label(series.selection.size))
        axes.set_ylabel("held out − train, % of loss")
    return figure
