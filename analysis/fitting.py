"""A fit: a law's estimated parameters with intervals, diagnostics and inputs."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd

from analysis.bootstrap import Replicates, bootstrap
from analysis.estimate import LEAST_DELTA, Estimate, estimate
from analysis.laws import EXPONENT_BOUNDS, LAWS, Law, evaluate
from analysis.noise import seed_deviation
from analysis.problem import problem
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
    return fit_points(points, LAWS[law], along, settings)[0]


def last_horizon(selection: Selection) -> pd.DataFrame:
    """The points at the last horizon shared by all runs; Unsupported where they share none."""
    if not selection.horizons:
        raise Unsupported("the runs share no horizon, so their sizes cannot be compared at one")
    return selection.at(selection.horizons[-1])


def fit_points(
    points: pd.DataFrame, law: Law, along: str, settings: FitSettings
) -> tuple[Fit, Replicates | None]:
    """Fit selected points (columns of `Selection.points`) and bootstrap the fit over runs."""
    columns = COLUMNS[along]
    require_support(points, law, columns)
    variables = {name: points[column].to_numpy(float) for name, column in columns.items()}
    values = points["value"].to_numpy(float)
    delta = settings.huber_delta
    posed, best = estimate(
        problem(law, variables, values, delta or LEAST_DELTA), fixed_delta=delta is not None
    )
    spent = law.parameters_of("N" if along == "both" else "x")
    replicates = None
    if settings.bootstrap:
        replicates = bootstrap(
            posed, best, points, fitted=spent, count=settings.bootstrap, seed=settings.seed
        )
    intervals = _intervals(law, replicates, settings.confidence)
    lowest = float(points["value"].min())
    result = Fit(
        law=law.name,
        columns=dict(columns),
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
        ranges={k: (float(x.min()), float(x.max())) for k, x in variables.items()},
        huber_delta=posed.delta,
        bootstrap=replicates.method if replicates else "none",
        replicates=settings.bootstrap,
        notes=_notes(best, seed_deviation(points), replicates),
    )
    return result, replicates


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
    if rms > ROUGH * seed_noise:
        notes.append(f"residuals are {rms / seed_noise:.0f} times the seed noise")
    if best.share_at_best < 0.95:
        notes.append(f"only {best.share_at_best:.0%} of the starts reached the best optimum")
    if best.gradient_norm > 1e-4:
        notes.append(f"the gradient at the optimum is {best.gradient_norm:.1e}, not zero")
    if replicates and replicates.stuck > 0.01:
        notes.append(f"{replicates.stuck:.0%} of the bootstrap refits did not converge")
    return tuple(notes)
