"""The key figure: loss against parameters, the fit with its interval, the held-out rung."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.figures.floors import floor_in_words, no_law, note
from analysis.figures.sample_metrics import show_control
from analysis.figures.style import (
    COLUMN,
    FITTED,
    HELD_OUT,
    INK,
    log_loss,
    log_size,
    noise_band,
    rung_colours,
    styled,
)
from analysis.fitted import Fit
from analysis.fitting import last_horizon
from analysis.laws import find
from analysis.sample_sheets import control_of
from analysis.study import Series
from analysis.words import metric_label


def scaling_in_size(series: Series) -> Figure | None:
    """Points per run, law and interval, prediction beside measurement, residuals below.

    Where no rung could be held out, the law of all rungs. None for fewer than two sizes.
    """
    if not series.selection.horizons:
        return None
    points = last_horizon(series.selection)
    if points["size"].nunique() < 2:
        return None
    law = series.headline_law or _of_all_rungs(series)
    held = series.hold_out(law) if law else None
    fit = (held.fit if held else None) or (series.fit(law) if law else None)
    predictions = held.predictions if held else ()
    outside = {item.rung for item in predictions}
    with styled():
        figure = Figure(figsize=(COLUMN, 3.4 if fit else 2.6))
        grid = figure.add_gridspec(2 if fit else 1, 1, height_ratios=[3, 1] if fit else [1])
        top = figure.add_subplot(grid[0])
        sizes = points["size"].to_numpy(float)
        x = np.geomspace(sizes.min() * 0.8, sizes.max() * 1.25, 200)
        if fit and law:
            _law(top, series, fit, law, x)
        colours = dict(
            zip(series.selection.rungs, rung_colours(len(series.selection.rungs)), strict=True)
        )
        for rung in series.selection.rungs:
            rows = points[points["rung"] == rung]
            face = "white" if rung in outside else colours[rung]
            edge = HELD_OUT if rung in outside else colours[rung]
            top.plot(rows["size"], rows["value"], "o", mfc=face, mec=edge, mew=0.9, zorder=4)
        for item in predictions:
            low, high = item.interval
            top.errorbar(
                item.size * 1.12,
                item.predicted,
                yerr=[[item.predicted - low], [high - item.predicted]],
                fmt="D",
                ms=3,
                color=FITTED,
                capsize=2,
                lw=0.9,
                zorder=5,
            )
        control = control_of(series)
        if control is not None:
            show_control(top, control, float(points["value"].min()))
        log_loss(top)
        log_size(top, sizes)
        top.set_ylabel(metric_label(series.selection.metric))
        _legend(top, fit, bool(predictions), band=law in series.replicates)
        if not fit:
            no_law(top, [item.unsupported for item in series.fits if item.along == "size"])
        if fit:
            top.tick_params(labelbottom=False)
            bottom = figure.add_subplot(grid[1], sharex=top)
            _residuals(
                bottom,
                points,
                fit,
                outside=outside,
                colours=colours,
                seed_deviation=series.seed_deviation,
            )
            bottom.set_xlabel(metric_label(series.selection.size))
        else:
            top.set_xlabel(metric_label(series.selection.size))
    return figure


def _of_all_rungs(series: Series) -> str | None:
    """A law in size that was fitted to all rungs, one whose parameters are identified first."""
    fitted = [item for item in series.fits if item.fit and item.along == "size"]
    sure = [item for item in fitted if item.fit and not item.fit.not_identified]
    return next((item.law for item in (*sure, *fitted)), None)


def _law(axes: Axes, series: Series, fit: Fit, law: str, x: np.ndarray) -> None:
    """The law, solid where fitted and dashed beyond, with the band of its replicates."""
    inside = (x >= fit.ranges["x"][0] * 0.99) & (x <= fit.ranges["x"][1] * 1.01)
    axes.plot(x[inside], fit.predict(x=x[inside]), color=FITTED, zorder=3)
    beyond = x >= fit.ranges["x"][1] * 0.99
    axes.plot(x[beyond], fit.predict(x=x[beyond]), "--", lw=0.9, color=FITTED, zorder=3)
    replicates = series.replicates.get(law)
    if replicates is not None:
        tails = [(1 - fit.confidence) / 2, (1 + fit.confidence) / 2]
        low, high = np.quantile(replicates.curve({"x": x}), tails, axis=0)
        shown = x >= fit.ranges["x"][0] * 0.8
        axes.fill_between(x[shown], low[shown], high[shown], color=FITTED, alpha=0.18, lw=0)
    value = fit.parameters.get("E")
    if value:
        text = floor_in_words({"": fit})
        if value > 0.75 * float(fit.predict(x=x[-1])):
            axes.axhline(value, color=INK, lw=0.6, ls=":")
            axes.annotate(text, (x[0], value), xytext=(0, 2), textcoords="offset points", size=6.5)
        else:
            note(axes, text)


def _legend(axes: Axes, fit: Fit | None, held_out: bool, band: bool) -> None:
    axes.plot([], [], "o", color="#555555", label="fitted runs" if fit else "runs")
    if held_out:
        axes.plot([], [], "o", mfc="white", mec=HELD_OUT, label="held-out runs, measured")
        axes.plot([], [], "D", ms=3, color=FITTED, label="held-out rung, predicted")
    if fit:
        interval = f" ± {fit.confidence:.0%} interval" if band else ""
        axes.plot([], [], color=FITTED, label=f"{find(fit.law).title}{interval}")
    axes.legend(loc="upper right")


def _residuals(
    axes: Axes,
    points: pd.DataFrame,
    fit: Fit,
    *,
    outside: set,
    colours: dict,
    seed_deviation: float,
) -> None:
    noise_band(axes, seed_deviation)
    axes.axhline(0, color=INK, lw=0.6)
    for rung, colour in colours.items():
        rows = points[points["rung"] == rung]
        residual = 100 * (rows["value"] / fit.predict(x=rows["size"].to_numpy(float)) - 1)
        face = "white" if rung in outside else colour
        edge = HELD_OUT if rung in outside else colour
        axes.plot(rows["size"], residual, "o", ms=3, mfc=face, mec=edge, mew=0.8)
    axes.margins(y=0.25)
    axes.set_ylabel("residual, %")
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4))
