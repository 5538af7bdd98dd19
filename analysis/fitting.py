"""A fit: a law's estimated parameters with intervals, diagnostics and inputs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd

from analysis.bootstrap import Replicates, bootstrap
from analysis.estimate import LEAST_DELTA, Estimate, estimate
from analysis.laws import EXPONENT_BOUNDS, LAWS, Law, evaluate
from analysis.noise import seed_deviation
from analysis.problem import Problems, pose, stack
from analysis.selection import Selection, select
from analysis.settings import FitSettings
from analysis.table import Table, from_frame

COLUMNS = {
    "size": {"x": "size"},
    "steps": {"x": "steps"},
    "both": {"N": "size", "S": "steps"},
}
"""Which column is which variable of a law."""


ROUGH = 3.0
"""Residuals of more than this many seed deviations are the law's own failure, not noise."""


class Unsupported(ValueError):
    """Too few distinct points for a law; the message counts them."""


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A law fitted to rows of one metric; plain numbers and strings, so JSON keeps it whole.

    `objective` is the sum of Huber losses of log residuals; `gradient_norm` is that of the
    objective scaled to order one, in normalised variables; `not_identified` gives for each
    parameter that the data cannot pin the reason.
    """

    law: str
    columns: dict[str, str]
    parameters: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    not_identified: dict[str, str]
    confidence: float
    objective: float
    gradient_norm: float
    starts: int
    share_at_best: float
    bounds_hit: tuple[str, ...]
    residual_rms: float
    points: int
    runs: int
    rungs: tuple[str, ...]
    ranges: dict[str, tuple[float, float]]
    huber_delta: float
    bootstrap: str
    replicates: int
    notes: tuple[str, ...] = ()

    def predict(self, **variables: Any) -> Any:
        """The law's value at the given variables (x, or N and S), numbers or arrays."""
        value = evaluate(LAWS[self.law], self.parameters, variables)
        return float(value) if np.ndim(value) == 0 else value

    def to_json(self) -> str:
        """One JSON object; `from_json` gives the same Fit back."""
        return json.dumps(asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The Fit that `to_json` wrote."""
        return cls.from_dict(json.loads(text))

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """The Fit of a parsed JSON object; lists become tuples again."""
        fit = cls(**fields)
        pairs = {
            name: {key: tuple(pair) for key, pair in getattr(fit, name).items()}
            for name in ("intervals", "ranges")
        }
        lists = {name: tuple(getattr(fit, name)) for name in ("bounds_hit", "rungs", "notes")}
        return replace(fit, **pairs, **lists)


def fit(
    table: Table | pd.DataFrame,
    *,
    law: str = "floor",
    along: str | None = None,
    columns: Mapping[str, str] | None = None,
    settings: FitSettings | None = None,
) -> Fit:
    """Fit a law to a table of runs.

    `law` names one of `LAWS`. A law in one variable is fitted along the "size" at the last
    horizon that all runs share, or along the "steps". `columns` maps our names to those of a
    foreign data frame. Every row is fitted: hold-outs are `analysis.hold_out`'s.

    Raises TableError for rows that cannot be fitted together, Unsupported for too few.
    """
    settings = settings or FitSettings()
    if isinstance(table, pd.DataFrame):
        table = from_frame(table, columns)
    if law not in LAWS:
        raise KeyError(f"no law '{law}'; there are: {', '.join(LAWS)}")
    along = along or ("both" if len(LAWS[law].variables) == 2 else "size")
    selection = select(table, settings)
    points = last_horizon(selection) if along == "size" else selection.points
    return fit_tasks([task(points, LAWS[law], along)], settings)[0].fit


def last_horizon(selection: Selection) -> pd.DataFrame:
    """The points at the last horizon shared by all runs; Unsupported where they share none."""
    if not selection.horizons:
        raise Unsupported("the runs share no horizon, so their sizes cannot be compared at one")
    return selection.at(selection.horizons[-1])


@dataclass(frozen=True, kw_only=True)
class Task:
    """Points (columns of `Selection.points`) to fit a law to along "size", "steps" or "both"."""

    points: pd.DataFrame
    law: Law
    along: str


class Fitted(NamedTuple):
    """A fit, and the bootstrap replicates that its intervals come from."""

    fit: Fit
    replicates: Replicates | None


def task(points: pd.DataFrame, law: Law, along: str) -> Task:
    """What to fit; Unsupported where distinct points are too few for the parameters."""
    require_support(points, law, COLUMNS[along])
    return Task(points=points, law=law, along=along)


def fit_tasks(tasks: Sequence[Task], settings: FitSettings) -> list[Fitted]:
    """Fit each task and bootstrap it over runs; those of one law together, which is much faster."""
    found: dict[int, Fitted] = {}
    for law in dict.fromkeys(item.law for item in tasks):
        mine = [i for i, item in enumerate(tasks) if item.law == law]
        found |= zip(mine, _fit_law(law, [tasks[i] for i in mine], settings), strict=True)
    return [found[i] for i in range(len(tasks))]


def _fit_law(law: Law, tasks: Sequence[Task], settings: FitSettings) -> list[Fitted]:
    delta = settings.huber_delta
    problems, best = estimate(
        stack([_pose(item, delta or LEAST_DELTA) for item in tasks]), fixed_delta=delta is not None
    )
    drawn: Sequence[Replicates | None] = [None] * len(tasks)
    if settings.bootstrap:
        drawn = bootstrap(
            problems,
            best,
            [item.points for item in tasks],
            fitted=law.parameters_of("N" if len(law.variables) == 2 else "x"),
            count=settings.bootstrap,
            seed=settings.seed,
        )
    return [
        Fitted(_describe(item, one, float(huber_delta), replicates, settings), replicates)
        for item, one, huber_delta, replicates in zip(
            tasks, best, problems.delta, drawn, strict=True
        )
    ]


def _pose(item: Task, delta: float) -> Problems:
    return pose(item.law, _variables(item), item.points["value"].to_numpy(float), delta)


def _variables(item: Task) -> dict[str, Any]:
    columns = COLUMNS[item.along].items()
    return {name: item.points[column].to_numpy(float) for name, column in columns}


def _describe(
    item: Task,
    best: Estimate,
    huber_delta: float,
    replicates: Replicates | None,
    settings: FitSettings,
) -> Fit:
    points, law = item.points, item.law
    intervals = _intervals(law, replicates, settings.confidence)
    lowest = float(points["value"].min())
    return Fit(
        law=law.name,
        columns=dict(COLUMNS[item.along]),
        parameters=best.parameters,
        intervals=intervals,
        not_identified=_not_identified(law, best.parameters, intervals, lowest),
        confidence=settings.confidence,
        objective=best.objective,
        gradient_norm=best.gradient_norm,
        starts=best.starts,
        share_at_best=best.share_at_best,
        bounds_hit=best.bounds_hit,
        residual_rms=float(np.sqrt(np.mean(best.log_residuals**2))),
        points=len(points),
        runs=points["run"].nunique(),
        rungs=tuple(points.sort_values("size").rung.unique()),
        ranges={k: (float(x.min()), float(x.max())) for k, x in _variables(item).items()},
        huber_delta=huber_delta,
        bootstrap=replicates.method if replicates else "none",
        replicates=settings.bootstrap,
        notes=_notes(best, seed_deviation(points), replicates),
    )


def require_support(points: pd.DataFrame, law: Law, columns: Mapping[str, str]) -> None:
    """Refuse p >= n - 1: Unsupported when distinct points are too few for the parameters."""
    distinct = len(points.drop_duplicates(list(columns.values())))
    needed = len(law.parameters) + 2
    if distinct < needed:
        raise Unsupported(
            f"the {law.title} has {len(law.parameters)} parameters and needs {needed} distinct "
            f"points or more; there are {distinct}"
        )
    for variable, column in columns.items():
        if points[column].nunique() < 3:
            raise Unsupported(
                f"the {law.title} needs 3 or more distinct values of {variable}; "
                f"there are {points[column].nunique()}"
            )


def _intervals(law: Law, replicates: Replicates | None, confidence: float):
    if replicates is None:
        return {}
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    low, high = np.quantile(replicates.parameters, tails, axis=0)
    pairs = zip(law.parameters, low, high, strict=True)
    return {name: (float(a), float(b)) for name, a, b in pairs}


def _not_identified(
    law: Law,
    parameters: Mapping[str, float],
    intervals: Mapping[str, tuple[float, float]],
    lowest: float,
) -> dict[str, str]:
    """Parameters that the data cannot pin, each with the reason."""
    reasons = {}
    for term in law.terms:
        name, exponent = term.coefficient, term.exponent
        low, high = intervals.get(name, (parameters[name],) * 2)
        if exponent is None:
            if low <= 1e-3 * lowest:
                reasons[name] = "its interval reaches zero"
            continue
        if high > 100 * max(low, 1e-300):
            reasons[name] = "its interval spans more than a factor of 100"
        ends = intervals.get(exponent, (parameters[exponent],) * 2)
        if ends[0] <= 1.01 * EXPONENT_BOUNDS[0] or ends[1] >= 0.99 * EXPONENT_BOUNDS[1]:
            reasons[exponent] = "its interval reaches the bounds of the search"
        elif ends[1] > 5 * ends[0]:
            reasons[exponent] = "its interval spans more than a factor of 5"
    return reasons


def _notes(best: Estimate, seed_noise: float, replicates: Replicates | None) -> tuple[str, ...]:
    """What a reader should know before trusting the fit."""
    notes = []
    rms = float(np.sqrt(np.mean(best.log_residuals**2)))
    if 0 < ROUGH * seed_noise < rms:
        notes.append(f"residuals are {rms / seed_noise:.0f} times the seed noise")
    if best.share_at_best < 0.95:
        notes.append(f"only {best.share_at_best:.0%} of the starts reached the best optimum")
    if best.gradient_norm > 1e-4:
        notes.append(f"the gradient at the optimum is {best.gradient_norm:.1e}, not zero")
    if replicates and replicates.stuck > 0.01:
        notes.append(f"{replicates.stuck:.0%} of the bootstrap refits did not converge")
    return tuple(notes)
