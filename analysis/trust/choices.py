"""The choices behind a fit, each changed in turn: which points, which variable, which loss."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.along import IN_SEVERAL
from analysis.fitting import (
    NO_LOGARITHM,
    Task,
    Unsupported,
    has_zeros,
    last_horizon,
    or_reason,
    task,
)
from analysis.hold_out import split
from analysis.laws import Law
from analysis.selection import Selection, select
from analysis.settings import FitSettings
from analysis.table import Table, TableError
from analysis.trust.beyond import COMPUTE, compute_of

COUNTS = ("parameters", "parameters_non_embedding")


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One choice, posed: what to fit (or why not) and the rows of the rung that it predicts.

    `dropped` are the rows of the one rung left out, where the choice is to leave it out.
    """

    kind: str
    option: str
    task: Task | Unsupported
    target: pd.DataFrame
    dropped: pd.DataFrame | None = None


def choices_of_points(
    table: Table, selection: Selection, law: Law, settings: FitSettings
) -> list[Choice]:
    """The headline's, then every choice of points or of the variable.

    A law in one variable is fitted in size at the last horizon; raises Unsupported without one.
    """
    one = len(law.variables) == 1
    along = "size" if one else IN_SEVERAL
    points = last_horizon(selection) if one else selection.points

    def pose(
        kind: str, option: str, rows: pd.DataFrame, along: str = along, drop: str | None = None
    ) -> Choice:
        kept, held = split(rows, selection.rungs, settings.hold_out)
        left = held["rung"].isin(selection.rungs[-1:])
        ends = held[left & (held["steps"] == held.loc[left, "steps"].max())]
        dropped = kept[kept["rung"] == drop] if drop else None
        kept = kept[kept["rung"] != drop]
        posed = or_reason(lambda: task(kept, law, along, settings.known))
        return Choice(kind=kind, option=option, task=posed, target=ends, dropped=dropped)

    found = [pose("headline", "as reported", points)]
    for name, rows in _counts(points):
        found.append(pose("count of N", name, rows))
    if one:
        if "flops" in points:
            flops = points.assign(**{COMPUTE: compute_of(points)})
            found.append(pose("variable", "FLOPs", flops, COMPUTE))
        six = points.assign(**{COMPUTE: compute_of(points.drop(columns="flops", errors="ignore"))})
        found.append(pose("variable", "6 N D", six, COMPUTE))
    found += [pose("horizons", *each) for each in _horizons(selection, one=one)]
    kept, _ = split(points, selection.rungs, settings.hold_out)
    for rung in kept.sort_values("size")["rung"].unique():
        found.append(pose("without rung", str(rung), points, drop=str(rung)))
    for name in _other_weights(table, selection):
        try:
            other = _with_weights(table, selection, settings, name)
            rows = last_horizon(other) if one else other.points
            found.append(pose("weights", name, rows))
        except (TableError, Unsupported) as reason:
            refused = Unsupported(str(reason))
            found.append(Choice(kind="weights", option=name, task=refused, target=points.iloc[:0]))
    return found


def choices_of_loss(
    headline: Choice, law: Law, settings: FitSettings, delta: float
) -> list[tuple[Choice, FitSettings]]:
    """Residuals and Huber's delta, about the `delta` that the headline was fitted with."""
    kind = settings.residuals or law.residuals
    other = "linear" if kind == "log" else "log"
    changes = [("residuals", other, {"residuals": other})]
    if settings.loss == "huber":
        changes += [
            ("Huber delta", f"{delta / 4:.2g} (a quarter)", {"huber_delta": delta / 4}),
            ("Huber delta", f"{delta * 4:.2g} (four times)", {"huber_delta": delta * 4}),
            ("loss", "squares", {"loss": "squares"}),
        ]
    found = [
        (replace(headline, kind=kind, option=option), replace(settings, **changed))
        for kind, option, changed in changes
    ]
    if other == "log" and isinstance(headline.task, Task) and has_zeros(headline.task.points):
        (first, same), *rest = found
        return [(replace(first, task=Unsupported(NO_LOGARITHM)), same), *rest]
    return found


def _counts(points: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for name in COUNTS:
        if name in points and (points[name] != points["size"]).any():
            yield name.replace("_", " "), points.assign(size=points[name].astype(float))


def _horizons(selection: Selection, *, one: bool) -> Iterator[tuple[str, pd.DataFrame]]:
    """Other horizons than the last, or for a law that reads steps than all."""
    points, shared = selection.points, selection.horizons
    if len(shared) < 2:
        return
    half = min(step for step in shared if step >= shared[-1] / 2)
    late = points[points["steps"] >= half]
    if not one:
        yield "all but the first", points[points["steps"] > points["steps"].min()]
        yield "last half", late
        return
    late = late[late["steps"].isin(shared)]
    if half < shared[-1]:
        logs = late.assign(log=np.log(late["value"])).groupby("run")["log"].mean()
        ends = selection.at(shared[-1])
        yield "mean of the last half", ends.assign(value=np.exp(ends["run"].map(logs)))
    middle = max([step for step in shared if step <= shared[-1] / 2], default=shared[0])
    yield f"step {middle:g}", selection.at(middle)


def _other_weights(table: Table, selection: Selection) -> list[str]:
    if table.foreign or "weights" not in table.frame:
        return []
    return sorted(set(map(str, table.frame["weights"].dropna())) - {str(selection.weights)})


def _with_weights(
    table: Table, selection: Selection, settings: FitSettings, name: str
) -> Selection:
    """The same runs as measured with other weights."""
    other = select(table, replace(settings, weights=name))
    same = other.points["run"].isin(selection.points["run"])
    return replace(other, points=other.points[same])
