"""From rows of runs to fits: which rows, which law, and what is said of the result."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.along import IN_SEVERAL, SIZE, points_along, with_variable
from analysis.diagnosis import known_of, not_identified, notes, require_known
from analysis.estimation.estimate import LEAST_DELTA, Estimate, estimate
from analysis.estimation.problem import Array, Problems, pose, stack
from analysis.fitted import Fit
from analysis.floor import with_floor
from analysis.inference import at
from analysis.laws import Law, find
from analysis.selection import Selection, select
from analysis.settings import FitSettings
from analysis.support import Unsupported, require_metric, require_support
from analysis.table import Table, from_frame
from analysis.uncertainty.bootstrap import Replicates, bootstrap
from analysis.uncertainty.delta import standard_errors
from analysis.uncertainty.intervals import Intervals, intervals
from analysis.uncertainty.profile import Profile
from analysis.uncertainty.steadiness import Moved, steadiness

NO_LOGARITHM = "residuals of logarithms need positive values, and some are 0"


def fit(
    table: Table | pd.DataFrame,
    *,
    law: str = "floor",
    along: str | None = None,
    columns: Mapping[str, str] | None = None,
    settings: FitSettings | None = None,
) -> Fit:
    """Fit a law to a table of runs.

    `law` names one of `LAWS`, or "FILE.py:NAME". A law in one variable is fitted along the "size"
    at the last horizon that all runs share, or along the "steps", "images", "flops", any other
    column of numbers or another metric (`analysis.along` says at which horizons). `columns` maps
    our names to those of a foreign data frame. Every row is fitted: hold-outs are
    `analysis.hold_out`'s.

    Raises TableError for rows that cannot be fitted together, Unsupported for too few.
    """
    settings = settings or FitSettings()
    if isinstance(table, pd.DataFrame):
        table = from_frame(table, columns)
    asked = find(law)
    require_known([asked], settings)
    along = IN_SEVERAL if len(asked.variables) > 1 else along or SIZE
    table = at(table, settings.metric, settings.inference)
    settings = with_floor([table], settings)
    selection = with_variable(table, select(table, settings), along)
    points = points_of(selection, asked, along)
    return fit_tasks([task(points, asked, along, settings.known)], settings)[0].fit


def columns_of(law: Law, along: str) -> dict[str, str]:
    """Which column of the points is which variable of a law."""
    return {law.variables[0]: along} if law.columns is None else dict(law.columns)


def has_zeros(points: pd.DataFrame) -> bool:
    """Whether some values have no logarithm."""
    return bool((points["value"] <= 0).any())


def last_horizon(selection: Selection) -> pd.DataFrame:
    """The points at the last horizon shared by all runs; Unsupported where they share none."""
    if not selection.horizons:
        raise Unsupported("the runs share no horizon, so their sizes cannot be compared at one")
    return selection.at(selection.horizons[-1])


def points_of(selection: Selection, law: Law, along: str) -> pd.DataFrame:
    """What a law is fitted to: along size the last horizon that all runs share, or Unsupported."""
    require_metric(law, columns_of(law, along))
    return last_horizon(selection) if along == SIZE else points_along(selection, along)


@dataclass(frozen=True, kw_only=True)
class Task:
    """Points (columns of `Selection.points`) to fit a law to along one of them, or in "both".

    `columns` says which of them is which variable of the law.
    """

    points: pd.DataFrame
    law: Law
    along: str

    @property
    def columns(self) -> dict[str, str]:
        """Which column is which variable."""
        return columns_of(self.law, self.along)

    @property
    def variables(self) -> dict[str, Array]:
        """The law's variables [n]."""
        return {name: self.points[c].to_numpy(float) for name, c in self.columns.items()}


class Fitted(NamedTuple):
    """A fit, and the bootstrap replicates or the profiles that its intervals come from."""

    fit: Fit
    replicates: Replicates | None
    profiles: Mapping[str, Profile] = MappingProxyType({})


def task(points: pd.DataFrame, law: Law, along: str, known: Collection[str] = ()) -> Task:
    """What to fit; Unsupported where distinct points are too few for what is not `known`."""
    require_support(points, law, columns_of(law, along), known)
    return Task(points=points, law=law, along=along)


def fit_tasks(tasks: Sequence[Task], settings: FitSettings) -> list[Fitted]:
    """Fit each task and bootstrap it over runs; those of one law together, which is much faster."""
    found: dict[int, Fitted] = {}
    for law in dict.fromkeys(item.law for item in tasks):
        mine = [i for i, item in enumerate(tasks) if item.law == law]
        found |= zip(mine, _fit_law(law, [tasks[i] for i in mine], settings), strict=True)
    return [found[i] for i in range(len(tasks))]


def or_reason(pose: Callable[[], Task]) -> Task | Unsupported:
    """The task, or the reason why there is none."""
    try:
        return pose()
    except Unsupported as reason:
        return reason


def fit_all(posed: Sequence[Task | Unsupported], settings: FitSettings) -> list[Fitted | None]:
    """All fits together; None where a task was refused."""
    fits = iter(fit_tasks([item for item in posed if isinstance(item, Task)], settings))
    return [next(fits) if isinstance(item, Task) else None for item in posed]


def _fit_law(law: Law, tasks: Sequence[Task], settings: FitSettings) -> list[Fitted]:
    delta = settings.huber_delta
    problems, best = estimate(
        stack([_pose(item, settings) for item in tasks]), fixed_delta=delta is not None
    )
    drawn: Sequence[Replicates | None] = [None] * len(tasks)
    if settings.bootstrap:
        drawn = bootstrap(
            problems,
            best,
            [item.points for item in tasks],
            fitted=law.parameters_of(law.variables[0], settings.known),
            count=settings.bootstrap,
            seed=settings.seed,
            method=settings.resampling,
            errors={name: pair[1] for name, pair in settings.known_values.items()},
        )
    points = [item.points for item in tasks]
    found = zip(
        best,
        map(float, problems.delta),
        standard_errors(problems, best),
        steadiness(problems, best),
        intervals(settings.intervals, problems, best, points, drawn, settings.confidence),
        drawn,
        strict=True,
    )
    return [
        Fitted(_describe(item, one, settings), one.replicates, one.intervals.profiles)
        for item, one in zip(tasks, map(Found._make, found), strict=True)
    ]


class Found(NamedTuple):
    """All that was found of one fit."""

    best: Estimate
    huber_delta: float
    standard_errors: dict[str, float]
    moved: tuple[Moved, ...]
    intervals: Intervals
    replicates: Replicates | None


def weighting_of(item: Task, settings: FitSettings) -> str:
    """As asked for, else as suits the law, which needs an error in every row to weigh by errors."""
    errors = item.points.get("standard_error", pd.Series(np.nan, item.points.index))
    return settings.weighting or (item.law.weighting if (errors > 0).all() else "equal")


def _pose(item: Task, settings: FitSettings) -> Problems:
    points = item.points
    kind = settings.residuals or item.law.residuals
    weights = None
    if kind == "log" and has_zeros(points):
        raise Unsupported(NO_LOGARITHM)
    if weighting_of(item, settings) == "standard_error":
        error = points["standard_error"].to_numpy(float)
        if kind == "log":
            error = error / points["value"].to_numpy(float)
        if not (error > 0).all():
            raise Unsupported(
                "fit.weighting standard_error needs a positive standard error in every row; "
                f"{int((~(error > 0)).sum())} of {len(error)} lack one"
            )
        weights = error**-2
    return pose(
        item.law,
        item.variables,
        points["value"].to_numpy(float),
        delta=settings.huber_delta or LEAST_DELTA,
        linear=kind == "linear",
        squares=settings.loss == "squares",
        asymmetry=settings.asymmetry,
        weights=weights,
        known=known_of(item.law, settings),
    )


def _describe(item: Task, found: Found, settings: FitSettings) -> Fit:
    points, law, best, replicates = item.points, item.law, found.best, found.replicates
    ends, reached = found.intervals.ends, found.intervals.reached
    lowest = float(points["value"].abs().min())
    return Fit(
        law=law.name,
        columns=item.columns,
        parameters=best.parameters,
        intervals=ends,
        intervals_by=settings.intervals,
        known=tuple(known_of(law, settings)) + tuple(law.fixed or ()),
        derived={name: float(of(best.parameters)) for name, of in (law.derived or {}).items()},
        standard_errors=found.standard_errors,
        not_identified=not_identified(law, best, ends, lowest, reached, found.moved),
        confidence=settings.confidence,
        residuals=settings.residuals or law.residuals,
        weighting=weighting_of(item, settings),
        objective=best.objective,
        gradient_norm=best.gradient_norm,
        starts=best.starts,
        share_at_best=best.share_at_best,
        bounds_hit=best.bounds_hit,
        condition=best.condition,
        residual_rms=float(np.sqrt(np.mean(best.residuals**2))),
        points=len(points),
        runs=points["run"].nunique(),
        rungs=tuple(points.sort_values("size").rung.unique()),
        ranges={k: (float(x.min()), float(x.max())) for k, x in item.variables.items()},
        huber_delta=found.huber_delta,
        bootstrap=replicates.method if replicates else "none",
        replicates=settings.bootstrap,
        notes=(*notes(best, points, replicates), *filter(None, [found.intervals.note])),
    )
