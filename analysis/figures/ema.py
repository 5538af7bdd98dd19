"""The fitted metric against the width of the weights' average, as EDM2 sweeps it."""

import re

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.figures.style import COLUMN, rung_colours, styled
from analysis.study import Series
from analysis.words import metric_label

FEWEST = 3
"""Widths below which there is no curve to draw."""


def ema_widths(series: Series) -> Figure | None:
    """Each rung's metric at the last horizon against sigma_rel, divided by its best."""
    rows = _rows(series)
    if rows["width"].nunique() < FEWEST:
        return None
    with styled():
        figure = Figure(figsize=(COLUMN, 2.4))
        axes = figure.add_subplot()
        rungs = series.selection.rungs
        for rung, colour in zip(rungs, rung_colours(len(rungs)), strict=True):
            curve = rows[rows["rung"] == rung].groupby("width")["value"].mean()
            axes.plot(curve.index, 100 * (curve / curve.min() - 1), "o-", ms=3, lw=1,
                      color=colour, label=rung)  # fmt: skip
        axes.set_xscale("log")
        ticks = np.array(sorted(rows["width"].unique()))
        axes.set_xticks(ticks, [f"{width:g}" for width in ticks])
        axes.minorticks_off()
        axes.set_xlabel("relative width of the weights' average")
        axes.set_ylabel(f"{metric_label(series.selection.metric)},\n% above the best")
        axes.legend(ncols=2)
    return figure


def _rows(series: Series) -> pd.DataFrame:
    """The metric's rows of every average at the last horizon, with its `width`."""
    if series.table.foreign or not series.selection.horizons:
        return pd.DataFrame({"width": []})
    chosen, frame = series.selection, series.table.frame
    rows = frame[
        (frame["metric"] == chosen.metric)
        & (frame["split"] == chosen.split)
        & (frame["steps"] == chosen.horizons[-1])
        & frame["log_snr"].isna()
        & frame["run"].astype(str).isin(chosen.points["run"])
    ]
    widths = [re.fullmatch(r"ema_([\d.e-]+)", str(name)) for name in rows["weights"]]
    rows = rows.assign(
        width=[float(found[1]) if found else np.nan for found in widths],
        rung=rows["rung"].astype(str),
    )
    return rows[rows["width"].notna()]
