"""A law in several variables beside its points: measured against predicted, residuals below."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.floors import floor_in_words, note
from analysis.figures.style import (
    COLUMN,
    HELD_OUT,
    INK,
    log_loss,
    log_losses,
    noise_band,
    rung_colours,
    short,
    styled,
)
from analysis.fitted import Fit
from analysis.laws import find
from analysis.study import Series
from analysis.words import metric_label

FEW = 8
"""Most rungs that a legend names."""


def measured_against_predicted(series: Series) -> Figure | None:
    """Every point of the law, a colour per rung, those kept from the fit hollow; None without one.

    The law is the headline's where that has several variables, else the first that has.
    """
    fit = _fit(series)
    points = series.selection.points
    if fit is None or not (points["value"] > 0).all():
        return None
    columns = {name: points[column].to_numpy(float) for name, column in fit.columns.items()}
    points = points.assign(predicted=fit.predict(**columns))
    points = points[np.isfinite(points["predicted"]) & (points["predicted"] > 0)]
    if points.empty:
        return None
    with styled():
        figure = Figure(figsize=(COLUMN, 3.6))
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
        ends = np.r_[points["value"], points["predicted"]]
        top.plot([ends.min(), ends.max()], [ends.min(), ends.max()], color=INK, lw=0.6, zorder=1)
        noise_band(bottom, series.seed_deviation)
        residual = 100 * (points["value"] / points["predicted"] - 1)
        _points(top, series, fit, points)
        _points(bottom, series, fit, points.assign(value=residual))
        bottom.axhline(0, color=INK, lw=0.6)
        log_losses(bottom)
        log_loss(top)
        top.tick_params(labelbottom=False)
        title = metric_label(series.selection.metric)
        top.set_ylabel(f"{title}, measured")
        bottom.set_xlabel(f"predicted by the {find(fit.law).title}")
        bottom.set_ylabel("residual, %")
        bottom.margins(y=0.25)
        _legend(top, series, points)
        if words := floor_in_words({"": fit}):
            note(top, words, right=True)
    return figure


def _fit(series: Series) -> Fit | None:
    laws = [series.headline_law, *(item.law for item in series.fits)]
    for law in filter(None, laws):
        if len(find(law).variables) > 1:
            held = series.hold_out(law)
            if fit := (held.fit if held else None) or series.fit(law):
                return fit
    return None


def _points(axes: Axes, series: Series, fit: Fit, points: pd.DataFrame) -> None:
    rungs = series.selection.rungs
    for rung, colour in zip(rungs, rung_colours(len(rungs)), strict=True):
        rows = points[points["rung"] == rung]
        face, edge = (colour, colour) if rung in fit.rungs else ("white", HELD_OUT)
        axes.plot(rows["predicted"], rows["value"], "o", ms=3, mfc=face, mec=edge, mew=0.8)


def _legend(axes: Axes, series: Series, points: pd.DataFrame) -> None:
    """All rungs where they are few, else the smallest and the largest."""
    rungs = series.selection.rungs
    shown = range(len(rungs)) if len(rungs) <= FEW else (0, len(rungs) // 2, len(rungs) - 1)
    colours = rung_colours(len(rungs))
    for i in shown:
        size = points.loc[points["rung"] == rungs[i], "size"]
        label = short(size.iloc[0]) if len(size) else rungs[i]
        axes.plot([], [], "o", ms=3, color=colours[i], label=label)
    axes.legend(title="size", title_fontsize=6.5, ncols=2, loc="upper left")
