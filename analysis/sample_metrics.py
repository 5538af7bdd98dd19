"""Distances of samples along the ladder, beside what real images in their place come to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import hypot, sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.laws.suited import is_rate
from analysis.rounding import rounded
from analysis.selection import preferred_weights

if TYPE_CHECKING:
    from analysis.selection import Selection
    from analysis.table import Table

REAL = "real"
"""The weights of the control's rows: training images in the samples' place."""
BEYOND = "beyond_gaussian"
"""The share of the difference that a Frechet distance cannot see: no distance, from 0 to 1. Of a
set that does not differ from real images beyond noise it is not-a-number."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A value and its interval; `error` is the standard error."""

    value: float
    error: float
    low: float
    high: float

    def __str__(self) -> str:
        value, low, high = rounded(self.value, self.low, self.high)
        return f"{value} [{low}, {high}]"


@dataclass(frozen=True, kw_only=True)
class OfRung:
    """The mean over a rung's runs at the last horizon.

    Samples share their noise and the references are the same, so that more seeds need not lessen
    the error of drawing few: it is taken whole, beside that of the mean over seeds.
    """

    rung: str
    size: float
    runs: int
    mean: Measured


@dataclass(frozen=True, kw_only=True)
class SampleMetric:
    """One metric along the ladder, smallest rung first, under one protocol.

    Values are means over `repeats` sets of `samples` each. Rungs without a value are left out; a
    control without one is not-a-number.
    """

    metric: str
    weights: str
    steps: float
    rungs: tuple[OfRung, ...]
    control: Measured
    samples: int
    repeats: int = 1

    @property
    def only_bounded(self) -> bool:
        """Whether every interval reaches zero, as where samples are too few to extrapolate."""
        return all(item.mean.low <= 0 for item in self.rungs)

    @property
    def reached(self) -> tuple[str, ...]:
        """Rungs whose interval holds the control's value."""
        return tuple(
            item.rung
            for item in self.rungs
            if item.mean.low <= self.control.value <= item.mean.high
        )


def sample_metrics(
    table: "Table", selection: "Selection", left_out: Sequence[str], confidence: float
) -> tuple[SampleMetric, ...]:
    """Every metric with a control, by name, of the runs selected and of the finished `left_out`.

    Those no law can take for their value, which may be fine here. A metric measured under several
    protocols is left to the fit, which says how they differ.
    """
    needed = {"weights", "metric", "split", "protocol", "status"}
    if table.foreign or not needed <= set(table.frame.columns):
        return ()
    frame = table.frame[table.frame["status"] == "finished"]
    chosen = {*selection.points["run"], *left_out}
    frame = frame[frame["run"].astype(str).isin(chosen)]
    frame = frame[~frame["metric"].str.contains("/")]  # of shares of samples: analysis.limit_lines
    known = frame["value"].notna() | (frame["metric"] == BEYOND)
    controls = frame[(frame["weights"] == REAL) & known]
    by_metric = controls.groupby(controls["metric"].astype(str))
    every = (
        _along(frame, str(metric), control, selection, confidence, table.protocols)
        for metric, control in by_metric
    )
    return tuple(found for found in every if found is not None)


def _along(
    frame: pd.DataFrame,
    metric: str,
    control: pd.DataFrame,
    selection: "Selection",
    confidence: float,
    protocols: Mapping[str, Mapping[str, Any]],
) -> SampleMetric | None:
    split = control["split"].iloc[0]
    rows = frame[(frame["metric"] == metric) & (frame["split"] == split)]
    rows = rows[(rows["weights"] != REAL) & rows["value"].notna()]
    if rows.empty:
        return None
    asked = selection.weights if (rows["weights"] == selection.weights).any() else None
    rows = rows[rows["weights"] == (asked or preferred_weights(rows))]
    rows = rows[rows["steps"] == rows["steps"].max()]
    if rows["protocol"].nunique() > 1 or control["protocol"].nunique() > 1:
        return None
    column = "parameters_non_embedding" if selection.size not in rows else selection.size
    reach = NormalDist().inv_cdf((1 + confidence) / 2)
    values, errors = (control[name].to_numpy(float) for name in ("value", "standard_error"))
    rungs = (
        OfRung(
            rung=str(rung),
            size=float(group[column].iloc[0]),
            runs=len(group),
            mean=_possible(mean_of(group, reach), metric),
        )
        for rung, group in rows.groupby("rung")
    )
    return SampleMetric(
        metric=metric,
        weights=str(rows["weights"].iloc[0]),
        steps=float(rows["steps"].iloc[0]),
        rungs=tuple(sorted(rungs, key=lambda item: item.size)),
        control=_possible(_measured(values.mean(), errors.max(), reach), metric),
        samples=int(rows["count"].min()),
        repeats=protocols.get(str(rows["protocol"].iloc[0]), {}).get("repeats", 1),
    )


def mean_of(group: pd.DataFrame, reach: float) -> Measured:
    """Over a rung's runs, `reach` standard errors either side; see `OfRung`."""
    values, errors = (group[name].to_numpy(float) for name in ("value", "standard_error"))
    drawing = sqrt((errors**2).mean())
    seeds = values.std(ddof=1) / sqrt(len(values)) if len(values) > 1 else 0.0
    return _measured(values.mean(), hypot(drawing, seeds), reach)


def _possible(found: Measured, metric: str) -> Measured:
    """A rate's interval, or a share's, goes no further than 0 and 1."""
    if metric == BEYOND:
        found = replace(found, value=min(max(found.value, 0.0), 1.0))
    elif not is_rate(metric):
        return found
    return replace(found, low=min(max(found.low, 0.0), 1.0), high=max(min(found.high, 1.0), 0.0))


def _measured(value: float, error: float, reach: float) -> Measured:
    value, error = float(value), float(error)
    return Measured(value=value, error=error, low=value - reach * error, high=value + reach * error)
