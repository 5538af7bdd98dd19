"""The best learning rate of each rung, where several were tried, and how it moves with size."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.best_rate import RungRates, best_rate, noise_over_seeds, tried_rates
from analysis.line import line
from analysis.selection import Exclusion, Selection, as_written
from analysis.settings import FitSettings


@dataclass(frozen=True, kw_only=True)
class RateLaw:
    """optimum = coefficient * variable^exponent, by least squares on logarithms of `rungs` rungs.

    `interval` is Student's t over the rungs' scatter; None for two rungs.
    """

    variable: str
    coefficient: float
    exponent: float
    interval: tuple[float, float] | None
    rungs: int


@dataclass(frozen=True, kw_only=True)
class RateSweep:
    """All rungs of a series for which several rates were tried, smallest first.

    `moves` is the largest best rate over the smallest, along `variable` from `span[0]` to `span[1]`
    (at least that much where `at_edge` rungs are best at an edge).
    """

    rungs: tuple[RungRates, ...]
    variable: str
    span: tuple[float, float]
    moves: float
    at_edge: tuple[str, ...]
    law: RateLaw | None

    def of(self, rung: str) -> RungRates | None:
        """What was tried for a rung; None where no two rates were."""
        return next((item for item in self.rungs if item.rung == rung), None)


def rate_sweep(selection: Selection, runs: pd.DataFrame, settings: FitSettings) -> RateSweep | None:
    """The best rates of a series; None where no rung was trained at two rates or more.

    `runs` are the series' planned runs, among which are those that diverged unmeasured.
    """
    points = selection.points[np.isfinite(selection.points["learning_rate"])]
    last = points[points["steps"] == points.groupby("run")["steps"].transform("max")]
    tried = {
        rung: cells
        for rung in selection.rungs
        if len(cells := tried_rates(last[last["rung"] == rung], _diverged(runs, rung))) > 1
    }
    if not tried:
        return None
    noise = noise_over_seeds(tried.values())
    sizes, widths = (last.groupby("rung")[name].first() for name in ("size", "width"))
    rungs = tuple(
        best_rate(rung, (float(sizes[rung]), float(widths[rung])), cells, noise, settings)
        for rung, cells in tried.items()
    )
    by_width = all(item.width for item in rungs) and len({item.width for item in rungs}) > 1
    variable = "width" if by_width else selection.size
    x = [item.width if by_width and item.width else item.size for item in rungs]
    rates = [item.estimate for item in rungs]
    return RateSweep(
        rungs=rungs,
        variable=variable,
        span=(min(x), max(x)),
        moves=max(rates) / min(rates),
        at_edge=tuple(item.rung for item in rungs if item.edge),
        law=_law(variable, x, rungs, settings.confidence),
    )


def at_best_rates(selection: Selection, sweep: RateSweep) -> Selection:
    """The selection with each rung's runs at its best rate alone; the others are left out."""
    points, excluded = selection.points, []
    other = pd.Series(False, index=points.index)
    for item in sweep.rungs:
        other |= (points["rung"] == item.rung) & (points["learning_rate"] != item.best)
    for run, rows in points[other].groupby("run"):
        rung, rate = str(rows["rung"].iloc[0]), rows["learning_rate"].iloc[0]
        best = next(item.best for item in sweep.rungs if item.rung == rung)
        reason = f"learning rate {rate:g}; this rung is best at {best:g}"
        excluded.append(Exclusion(run=str(run), rung=rung, reason=reason))
    note = (
        "several learning rates were tried: the runs at each rung's best one are fitted, and the "
        "others left out"
    )
    return replace(
        selection,
        points=points[~other].reset_index(drop=True),
        excluded=(*selection.excluded, *excluded),
        notes=(*selection.notes, note),
    )


def _diverged(runs: pd.DataFrame, rung: str) -> dict[float, list[str]]:
    """Runs of a rung that diverged, by rate."""
    found: dict[float, list[str]] = {}
    if {"learning_rate", "status"} <= set(runs.columns):
        rows = runs[(runs["status"] == "diverged") & (runs["rung"].astype(str) == rung)]
        for run, rate in zip(rows["run"], rows["learning_rate"], strict=True):
            found.setdefault(as_written(rate), []).append(str(run))
    return found


def _law(
    variable: str, x: Sequence[float], rungs: Sequence[RungRates], confidence: float
) -> RateLaw | None:
    """The law through the rungs whose optimum is known; None for fewer than two sizes."""
    known = [(size, item.optimum) for size, item in zip(x, rungs, strict=True) if item.optimum]
    if len({size for size, _ in known}) < 2:
        return None
    fitted = line(*np.log(np.array(known)).T)
    return RateLaw(
        variable=variable,
        coefficient=math.exp(fitted.intercept),
        exponent=fitted.slope,
        interval=fitted.interval(confidence),
        rungs=len(known),
    )
