"""The laws of a series as curves over size and over steps, with the bands of their replicates."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from analysis.explorer.numbers import number, numbers
from analysis.fit_sheets import parameter
from analysis.fitted import Fit
from analysis.headline import parameters_in_words
from analysis.laws import find
from analysis.study import Series
from analysis.uncertainty.bootstrap import Replicates
from analysis.uncertainty.tails import tails

OVER_SIZE, OVER_STEPS = 41, 17
"""Points of a curve; between them it is as good as straight on logarithmic axes."""

MOST_BANDS = 60
"""Rungs whose curves over steps have intervals; beyond, a page would be mostly these."""

LIMITS = {"E": "floor", "C": "ceiling"}


def law_views(series: Series, rungs: list[str]) -> list[dict[str, Any]]:
    """Every law fitted to the series; without its held-out rungs where there are any."""
    tried = dict.fromkeys(item.law for item in (*series.hold_outs, *series.fits))
    return [_view(series, law, rungs) for law in tried]


def _view(series: Series, name: str, rungs: list[str]) -> dict[str, Any]:
    law, held = find(name), series.hold_out(name)
    fit = (held.fit if held else None) or series.fit(name)
    described = {"name": name, "title": law.title, "formula": law.formula}
    along = _along_steps(series, name, rungs)
    if fit is None:
        told = [item.unsupported for item in (*series.hold_outs, *series.fits) if item.law == name]
        return {**described, "unsupported": next(filter(None, told), ""), "along_steps": along}
    replicates = series.replicates.get(name)
    variable = next((key for key, column in fit.columns.items() if column == "size"), None)
    return {
        **described,
        "rungs": [rungs.index(rung) for rung in fit.rungs],
        "text": parameters_in_words(fit),
        "not_identified": fit.not_identified,
        "reads": list(fit.columns.values()),
        "limit": _limit(fit),
        "fitted_to": number(fit.ranges[variable][1], 15) if variable else None,
        "confidence": fit.confidence,
        "over_size": _over_size(series, fit, replicates),
        "over_steps": _over_steps(series, fit, replicates, rungs),
        "along_steps": along,
        "predictions": [
            {
                "rung": rungs.index(item.rung),
                "size": number(item.size, 15),
                "steps": number(item.steps, 15),
                "value": number(item.predicted),
                "low": number(item.interval[0]),
                "high": number(item.interval[1]),
                "verdict": item.verdict,
            }
            for item in (held.predictions if held else ())
        ],
    }


def _limit(fit: Fit) -> dict[str, Any] | None:
    """The constant that the law tends to, where the data identify it."""
    for term in find(fit.law).terms:
        name = term.coefficient
        value = fit.parameters[name]
        if term.log is None and name in LIMITS and value > 0 and name not in fit.not_identified:
            low, high = fit.intervals.get(name, (value, value))
            return {"word": LIMITS[name], "value": number(value), "text": parameter(fit, name),
                    "low": number(low), "high": number(high)}  # fmt: skip
    return None


def _over_size(series: Series, fit: Fit, replicates: Replicates | None) -> dict[str, Any] | None:
    """The law at the last horizon over all sizes; None where it reads more than size and steps."""
    selection, columns = series.selection, set(fit.columns.values())
    if "size" not in columns or not columns <= {"size", "steps"} or not selection.horizons:
        return None
    sizes = selection.points["size"].to_numpy(float)
    grid = np.geomspace(sizes.min() * 0.8, sizes.max() * 1.25, OVER_SIZE)
    steps = np.full(OVER_SIZE, float(selection.horizons[-1]))
    return _curve(fit, replicates, {"size": grid, "steps": steps}, "size")


def _over_steps(
    series: Series, fit: Fit, replicates: Replicates | None, rungs: list[str]
) -> dict[str, Any] | None:
    """A law in size and steps over each rung's steps, by the rung's place."""
    if set(fit.columns.values()) != {"size", "steps"}:
        return None
    found = {}
    replicates = replicates if len(rungs) <= MOST_BANDS else None
    for rung, rows in series.selection.points.groupby("rung"):
        steps = np.geomspace(rows["steps"].min(), rows["steps"].max(), OVER_STEPS)
        sizes = np.full(OVER_STEPS, float(rows["size"].iloc[0]))
        curve = _curve(fit, replicates, {"size": sizes, "steps": steps}, "steps")
        found[rungs.index(str(rung))] = curve
    return found


def _along_steps(series: Series, law: str, rungs: list[str]) -> dict[int, Any]:
    """Laws in steps alone, fitted to one rung each."""
    found = {}
    for item in series.fits:
        if item.law == law and item.rung is not None and item.fit is not None:
            steps = np.geomspace(*item.fit.ranges["x"], OVER_STEPS)
            curve = _curve(item.fit, None, {"steps": steps}, "steps")
            found[rungs.index(item.rung)] = {**curve, "text": parameters_in_words(item.fit)}
    return found


def _curve(
    fit: Fit, replicates: Replicates | None, values: Mapping[str, np.ndarray], x: str
) -> dict[str, Any]:
    """x, the law there, and the ends of its interval where there are replicates."""
    variables = {name: values[column] for name, column in fit.columns.items()}
    curve = {"x": numbers(values[x]), "y": numbers(fit.predict(**variables))}
    if replicates is not None:
        low, high = np.quantile(replicates.curve(variables), tails(fit.confidence), axis=0)
        curve |= {"low": numbers(low), "high": numbers(high)}
    return curve
