"""The average prediction of several laws, whose interval holds their spread too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.fitting import Task, fit_all, last_horizon, or_reason
from analysis.hold_out import kept_task, split, typical
from analysis.laws import find
from analysis.rounding import named, rounded
from analysis.selection import Selection
from analysis.settings import FitSettings
from analysis.uncertainty.tails import tails

Array = NDArray[np.float64]
LEAST_WEIGHT = 0.005
"""Below it a weight is written as 0.00, and a law has none."""


@dataclass(frozen=True, kw_only=True)
class Averaged:
    """One held-out rung predicted by all laws, weighted; the interval holds their spread too.

    `weights` sum to one over the laws that were fitted; `by_law` is what each of them predicts.
    """

    rung: str
    size: float
    measured: float
    predicted: float
    interval: tuple[float, float]
    by_law: Mapping[str, float]
    weights: Mapping[str, float]

    @property
    def error_percent(self) -> float:
        """100 (predicted - measured) / measured."""
        return 100 * (self.predicted / self.measured - 1)

    def sentence(self) -> str:
        """The average beside the measurement; nothing where one law has all the weight."""
        if sum(weight >= LEAST_WEIGHT for weight in self.weights.values()) < 2:
            return ""
        value, low, high = rounded(self.predicted, *self.interval)
        interval = f" [{low}, {high}]" if self.interval[0] < self.interval[1] else ""
        direction = "above" if self.error_percent > 0 else "below"
        return (
            f"The average of {_weighted(self.weights)} predicts {value}{interval} for "
            f"{named(self.rung)}, {abs(self.error_percent):.2f}% {direction} the measurement."
        )


def averages(found: Sequence[Averaged]) -> str:
    """All of their sentences; empty where one law has all the weight."""
    return " ".join(filter(None, (item.sentence() for item in found)))


def averaged(
    selection: Selection, weights: Mapping[str, float], settings: FitSettings
) -> tuple[Averaged, ...]:
    """Each rung of the hold-out: the laws' log mean, and quantiles of their draws together."""
    posed = [or_reason(lambda law=law: kept_task(selection, law, settings)) for law in weights]
    fits = [
        (law, item, one)
        for law, item, one in zip(weights, posed, fit_all(posed, settings), strict=True)
        if one is not None and isinstance(item, Task)
    ]
    _, rest = split(last_horizon(selection), selection.rungs, settings.hold_out)
    if not fits or not settings.hold_out:
        return ()
    share = np.array([weights[law] for law, _, _ in fits])
    share = share / share.sum() if share.sum() > 0 else np.full(len(fits), 1 / len(fits))
    rng = np.random.default_rng([settings.seed, 1])
    below, _ = tails(settings.confidence)
    found = []
    for _, rows in rest.groupby("size"):
        told, drawn, weight = {}, [], []
        for (law, item, one), part in zip(fits, share, strict=True):
            at = {name: rows[c].to_numpy(float)[:1] for name, c in item.columns.items()}
            told[law] = float(one.fit.predict(**at)[0])
            if one.replicates is not None:
                new = one.replicates.new_measurements(at, rows["run"].nunique(), rng)[:, 0]
                drawn.append(new)
                weight.append(np.full(len(new), part / len(new)))
        logs = np.log(list(told.values()))
        predicted = float(np.exp(share @ logs))
        interval = (predicted, predicted)
        if drawn:
            interval = quantiles(np.concatenate(drawn), np.concatenate(weight), below)
        found.append(
            Averaged(
                rung=str(rows["rung"].iloc[0]),
                size=float(rows["size"].iloc[0]),
                measured=typical(rows),
                predicted=predicted,
                interval=interval,
                by_law=told,
                weights={law: float(part) for (law, _, _), part in zip(fits, share, strict=True)},
            )
        )
    return tuple(found)


def _weighted(weights: Mapping[str, float]) -> str:
    """Whose average, and by what weights."""
    if len(set(weights.values())) == 1:
        names = " and ".join(f"the {find(law).title}" for law in weights)
        return f"{names}, alike in weight for want of smaller rungs to judge them by,"
    told = ", ".join(f"{weight:.2f} {find(law).title}" for law, weight in weights.items())
    return f"the laws by their errors on smaller rungs ({told})"


def quantiles(values: Array, weights: Array, tail: float) -> tuple[float, float]:
    """Where `tail` of the weight [n] lies below and above values [n]."""
    order = np.argsort(values)
    below = np.cumsum(weights[order]) / weights.sum()
    low, high = np.interp([tail, 1 - tail], below, values[order])
    return float(low), float(high)
