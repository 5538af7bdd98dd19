"""The rows of one metric that a fit may use, and the rest with the reason it may not."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from analysis.kinds import kinds_of, of_one_kind
from analysis.laws.suited import is_rate
from analysis.settings import FitSettings
from analysis.table import Exclusion, Table, TableError, nearest


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Rows to fit: `points` has run, rung, seed, size, steps, value and standard_error.

    And width, learning_rate (nan) and transfer (None) where the table says, and its other numeric
    columns by their names, for laws in them. `rungs` are in order of size. `steps` is 0 throughout
    when the table has none.
    """

    points: pd.DataFrame = field(metadata={"json": False})
    metric: str
    weights: str | None
    split: str | None
    size: str
    protocol: str | None
    excluded: tuple[Exclusion, ...]
    notes: tuple[str, ...] = ()

    @cached_property
    def rungs(self) -> list[str]:
        """Names of the rungs, smallest first."""
        return list(self.points.sort_values("size").rung.unique())

    @cached_property
    def horizons(self) -> list[int]:
        """Steps at which every run was measured."""
        per_run = self.points.groupby("run").steps.agg(set)
        return sorted(set.intersection(*per_run)) if len(per_run) else []

    def at(self, steps: float) -> pd.DataFrame:
        """The points of one horizon."""
        return self.points[self.points.steps == steps]


def select(table: Table, settings: FitSettings) -> Selection:
    """Pick metric, weights and split, check the protocol and leave out what cannot be compared.

    Raises TableError when nothing is left, when a name is not in the table, or when protocols
    are mixed, or in a foreign table metrics, weights or splits.
    """
    table = of_one_kind(table, settings)
    frame, kinds = table.frame, kinds_of(table)
    metric = kinds.get("metric", table.mapping.get("value", "value"))
    weights, split, protocol = (kinds.get(name) for name in ("weights", "split", "protocol"))
    if not table.foreign:
        metric, split = settings.metric, settings.split
        frame = _pick(frame, "metric", metric, table)
        frame = _pick(frame, "split", split, table)
        weights = settings.weights or preferred_weights(frame)
        frame = _pick(frame, "weights", weights, table)
        frame = frame[frame.log_snr.isna()] if "log_snr" in frame else frame
        protocol = one_protocol(frame, table.protocols)
    size = _size_column(frame, settings.size, table)
    points = _points(frame, size)
    points, excluded = _exclude(points, table.runs, settings.first_step, least(metric))
    if points.empty:
        raise TableError(f"{table.source}: no row is left to fit; {_count(excluded)}")
    return Selection(
        points=points.sort_values(["size", "run", "steps"]).reset_index(drop=True),
        metric=metric,
        weights=weights,
        split=split,
        size=table.mapping.get(size, size),
        protocol=protocol,
        excluded=(*table.excluded, *excluded),
        notes=(*table.notes, *_below_zero(frame, points, metric)),
    )


def as_written(rate: Any) -> float:
    """To twelve digits, so that a rate is the same from a file of text and from one of numbers."""
    return float(f"{float(rate):.12g}")


def companion(
    table: Table, selection: Selection, metric: str, split: str | None = None
) -> pd.DataFrame:
    """Rows of another metric or split for the selected runs and weights; may be empty."""
    if table.foreign:
        return pd.DataFrame()
    frame = table.frame
    rows = frame[
        (frame["metric"] == metric)
        & (frame["split"] == (split or selection.split))
        & (frame["weights"] == selection.weights)
        & frame["run"].astype(str).isin(selection.points["run"])
        & np.isfinite(frame["value"])
    ]
    return rows.assign(run=rows["run"].astype(str), rung=rows["rung"].astype(str))


def preferred_weights(frame: pd.DataFrame) -> str:
    """The moving average that is measured at the most horizons, else the raw weights.

    Of several the first by name: averages made afterwards are measured at the last horizon alone.
    """
    names = sorted(map(str, frame.weights.unique()))
    averages = [name for name in names if name.startswith("ema")]
    if not averages:
        return "raw" if "raw" in names else names[0]
    horizons = frame.groupby(frame.weights.astype(str))["steps"].nunique()
    return max(averages, key=lambda name: horizons[name])


def one_protocol(frame: pd.DataFrame, protocols: Mapping[str, Any]) -> str | None:
    """The protocol that all rows share; TableError says in which fields several differ."""
    if "protocol" not in frame:
        return None
    present = sorted(map(str, frame.protocol.dropna().unique()))
    if len(present) > 1:
        first, second = present[:2]
        raise TableError(
            f"rows of {len(present)} protocols ({', '.join(present)}) cannot be fitted together; "
            f"{_difference(protocols.get(first), protocols.get(second))}"
        )
    return present[0] if present else None


def _difference(first: Any, second: Any) -> str:
    if first is None or second is None:
        return "protocols.json does not describe them"
    left, right = dict(_leaves(first)), dict(_leaves(second))
    absent = "(absent)"
    fields = [
        f"{name}: {left.get(name, absent)} against {right.get(name, absent)}"
        for name in sorted(left.keys() | right.keys())
        if left.get(name, absent) != right.get(name, absent)
    ]
    return "they differ in " + "; ".join(fields)


def _leaves(value: Any, path: str = ""):
    """(dotted path, JSON text) of each leaf of nested mappings."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    else:
        yield path, json.dumps(value)


def _pick(frame: pd.DataFrame, column: str, name: str, table: Table) -> pd.DataFrame:
    present = list(map(str, frame[column].unique()))
    if name not in present:
        raise TableError(f"{table.source}: no rows with {column} '{name}'{nearest(name, present)}")
    return frame[frame[column] == name]


def _size_column(frame: pd.DataFrame, asked: str, table: Table) -> str:
    if table.foreign and asked == FitSettings.size:
        return "parameters"
    if asked in frame:
        return asked
    raise TableError(f"{table.source}: no column '{asked}'{nearest(asked, list(frame.columns))}")


def _points(frame: pd.DataFrame, size: str) -> pd.DataFrame:
    """The columns of a fit under their own names, the gaps of a foreign table filled."""
    columns = {"size": frame[size].astype(float), "value": frame["value"].astype(float)}
    points = pd.DataFrame(columns, index=frame.index)
    points["steps"] = frame.get("steps", 0)
    points["standard_error"] = frame.get("standard_error", np.nan)
    points["status"] = frame.get("status", "finished")
    points["seed"] = frame.get("seed", 0)
    points["width"] = frame["width"].astype(float) if "width" in frame else np.nan
    rates = frame["learning_rate"].map(as_written) if "learning_rate" in frame else np.nan
    points["learning_rate"] = rates
    points["transfer"] = frame["transfer"].astype(object) if "transfer" in frame else None
    points["rung"] = (
        frame["rung"].astype(str) if "rung" in frame else points["size"].map("{:.12g}".format)
    )
    points["run"] = frame["run"].astype(str)
    others = frame.select_dtypes("number").columns.difference(points.columns)
    points = points.join(frame[others])
    if "images" in points and "data" not in points:
        points["data"] = points["images"]  # as laws and foreign tables call it
    return points


def least(metric: str) -> Literal["left", "neither"]:
    """Whether 0 may be fitted: a rate of which no pair was won is one."""
    return "left" if is_rate(metric) else "neither"


def _exclude(
    points: pd.DataFrame, runs: pd.DataFrame, first_step: int, least: Literal["left", "neither"]
):
    """Drop what cannot be fitted; one Exclusion per run and reason."""
    excluded = []

    def drop(points: pd.DataFrame, bad: pd.Series, reason: str) -> pd.DataFrame:
        for run, rows in points[bad].groupby("run"):
            text = reason.format(
                steps=", ".join(f"{s:g}" for s in rows.steps),
                status=rows.status.iloc[0],
                values=", ".join(f"{v:.3g}" for v in rows["value"]),
            )
            excluded.append(Exclusion(run=str(run), rung=rows.rung.iloc[0], reason=text))
        return points[~bad]

    points = drop(points, points.status == "diverged", "diverged")
    points = drop(points, points.status != "finished", "not finished ({status})")
    wrong_size = ~points["size"].between(0, np.inf, inclusive="neither")
    points = drop(points, wrong_size, "its size is not a positive number")
    wrong = ~points["value"].between(0, np.inf, inclusive=least)
    why = "the value at step {steps} is not a positive number: {values}"
    points = drop(points, wrong, why)
    points = drop(points, points.steps < first_step, f"step {{steps}} lies before {first_step}")
    if not points.empty:
        horizons = sorted(points.steps.unique())
        last = points.groupby("run").steps.transform("max")
        grid = points.groupby("steps").run.nunique()
        if len(horizons) > 1 and grid.iloc[-1] > 0.5 * points.run.nunique():
            points = drop(points, last < horizons[-1], f"not measured at step {horizons[-1]:g}")
    if "run" in runs:
        known = set(points.run) | {item.run for item in excluded}
        for row in runs[~runs.run.astype(str).isin(known)].itertuples():
            why = getattr(row, "reason", None)
            detail = f": {why}" if isinstance(why, str) and why else ""
            reason = f"no measurement ({row.status}{detail})"
            excluded.append(Exclusion(run=str(row.run), rung=str(row.rung), reason=reason))
    return points, excluded


def _below_zero(frame: pd.DataFrame, points: pd.DataFrame, metric: str) -> Iterator[str]:
    """That leaving out values for their sign shifts the mean of the rungs they come from."""
    finished = frame.get("status", "finished") == "finished"
    below = frame["value"] < 0 if is_rate(metric) else frame["value"] <= 0
    low = frame[finished & below & np.isfinite(frame["value"])]
    if len(low) and not points.empty:
        yield (
            f"{low['run'].nunique()} of {frame['run'].nunique()} runs have a {metric} that is not "
            "positive, as an unbiased estimate of a small distance may be; laws are fitted to "
            "positive values, and without these their rungs look worse than they are: measure with "
            "less noise, or fit the smaller rungs"
        )


def _count(excluded: list[Exclusion]) -> str:
    reasons = pd.Series([item.reason for item in excluded], dtype=object).value_counts()
    return "; ".join(f"{n} runs: {reason}" for reason, n in reasons.items()) or "it was empty"
