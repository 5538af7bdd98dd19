"""Intervals by refitting resampled data: a bootstrap over runs, never over a run's horizons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.estimation.estimate import Estimate
from analysis.estimation.newton import polish, to_gain
from analysis.estimation.problem import (
    Indices,
    Problems,
    held_at,
    limits,
    logarithmic,
    side_by_side,
)
from analysis.laws.law import Law, evaluate
from analysis.uncertainty import shared
from analysis.uncertainty.resampling import LARGEST_LOG_NOISE, Method, resample

Array = NDArray[np.float64]
BATCH_NUMBERS = 50_000
"""Replicates times points refitted at once: enough to spread numpy's overhead, within caches."""
SOON = 8
"""Iterations after which most refits have ended; the late ones of all batches go on together."""
ITERATIONS = 60
"""Nearly all refits end far sooner; the objectives of those stopped are within a few per mille."""
STUCK_GAIN = 1e-3


@dataclass(frozen=True, kw_only=True)
class Replicates:
    """Bootstrap replicates of a fit: parameters [B, P] in the law's order, in the data's units.

    `seed_deviation` and `rung_deviation` [B] are each replicate's noise of log value, for
    predictions of runs that were not fitted.
    """

    law: Law
    method: str
    parameters: Array
    seed_deviation: Array
    rung_deviation: Array
    stuck: float  # share of refits that were stopped short of their optimum
    at_bounds: Mapping[str, float]  # share of refits in which a fitted parameter is at a bound
    scale: float | None = None  # of linear residuals, where they are not of logarithms

    @property
    def named(self) -> dict[str, Array]:
        """The parameters [B] by name."""
        return dict(zip(self.law.parameters, self.parameters.T, strict=True))

    def curve(self, variables: Mapping[str, Array]) -> Array:
        """The law of each replicate [B, m] at m points."""
        named = {name: values[:, None] for name, values in self.named.items()}
        return evaluate(self.law, named, {k: np.asarray(v)[None] for k, v in variables.items()})

    def new_measurements(
        self, variables: Mapping[str, Array], seeds: int, rng: np.random.Generator
    ) -> Array:
        """The mean of `seeds` new runs of a new rung [B, m]: the law, its misfit and seed noise."""
        curve = self.curve(variables)
        seed = rng.standard_normal((len(curve), 1)) * self.seed_deviation[:, None] / np.sqrt(seeds)
        rung = rng.standard_normal((len(curve), 1)) * self.rung_deviation[:, None]
        if self.scale is not None:
            return curve + self.scale * (seed + rung)
        return curve * np.exp(np.clip(seed + rung, -LARGEST_LOG_NOISE, LARGEST_LOG_NOISE))


def bootstrap(
    problems: Problems,
    best: Sequence[Estimate],
    points: Sequence[pd.DataFrame],
    *,
    fitted: int,
    count: int,
    seed: int,
    errors: Mapping[str, float] | None = None,
    method: Method = "auto",
) -> list[Replicates]:
    """Refit `count` resampled data sets of each problem from its best fit.

    `points` [n] are each problem's rows; `fitted` parameters were spent on the rungs. Known
    parameters with standard `errors` are drawn anew for every refit. An error that rows share
    moves them together.
    """
    drawn = [
        resample(
            problems.y[: len(rows), i],
            problems.weights[: len(rows), i],
            found,
            rows,
            fitted=fitted,
            count=count,
            seed=seed,
            method=method,
        )
        for i, (found, rows) in enumerate(zip(best, points, strict=True))
    ]
    units = problems.y_scale * (1.0 if problems.linear else np.exp(problems.y))
    units = np.broadcast_to(units, problems.y.shape)  # of errors of y: values, or their scale
    drawn = [
        replace(item, y=item.y + shared.drawn(rows, units[: len(rows), i], count, seed))
        for i, (item, rows) in enumerate(zip(drawn, points, strict=True))
    ]
    owner = np.repeat(np.arange(len(problems)), count)
    theta = np.repeat([found.theta for found in best], count, axis=0)
    y, weights = (
        side_by_side([getattr(item, name).T for item in drawn]) for name in ("y", "weights")
    )
    every = _drawn_known(problems.take(owner), theta, errors or {}, count, seed)

    def refit(rows: Indices, iterations: int) -> Indices:
        """Go on with these replicates and say which of them are not at their end."""
        refits = replace(every.take(rows), y=y[:, rows], weights=weights[:, rows])
        theta[rows], damping[rows], late = polish(
            refits, theta[rows], damping=damping[rows], tolerance=1e-6, iterations=iterations
        )
        gain[rows] = 0
        gain[rows[late]] = to_gain(refits.take(late), theta[rows[late]])
        return rows[late]

    damping = np.full(len(theta), 0.1)
    gain = np.zeros(len(theta))  # what a refit stopped short of its optimum still had to gain
    batches = np.array_split(np.arange(len(theta)), -(-y.size // BATCH_NUMBERS))
    late = np.concatenate([refit(rows, SOON) for rows in batches])
    refit(late, ITERATIONS - SOON)
    parameters = every.natural(theta)
    at_bounds = ((theta <= every.lower) | (theta >= every.upper)) & (every.lower < every.upper)
    return [
        Replicates(
            law=problems.law,
            method=item.method,
            parameters=parameters[owner == i],
            seed_deviation=item.seed_deviation,
            rung_deviation=item.rung_deviation,
            stuck=float(np.mean(gain[owner == i] > STUCK_GAIN)),
            at_bounds=dict(
                zip(
                    problems.law.parameters,
                    map(float, at_bounds[owner == i].mean(axis=0)),
                    strict=True,
                )
            ),
            scale=float(problems.y_scale[i]) if problems.linear else None,
        )
        for i, item in enumerate(drawn)
    ]


def _drawn_known(
    problems: Problems, theta: Array, errors: Mapping[str, float], count: int, seed: int
) -> Problems:
    """The problems of all refits, with known parameters drawn anew, alike for every fit.

    Positive ones are drawn log-normally, the others normally: constants from 0 on, shapes within
    their bounds.
    """
    law, rng = problems.law, np.random.default_rng([seed, 2])
    held = (problems.lower == problems.upper)[0]
    known = dict(zip(law.parameters, problems.natural(theta).T, strict=True))
    known = {name: known[name] for name, one in zip(law.parameters, held, strict=True) if one}
    uncertain = [name for name in known if errors.get(name)]
    if not uncertain:
        return problems
    positive = dict(zip(law.parameters, logarithmic(law), strict=True))
    for name in uncertain:
        noise = errors[name] * np.tile(rng.standard_normal(count), len(problems) // count)
        value = known[name]
        known[name] = value * np.exp(noise / value) if positive[name] else value + noise
    least, most = limits(problems)
    drawn = np.clip(
        held_at(problems, known).lower,
        np.minimum(least, problems.lower),
        np.maximum(most, problems.upper),
    )
    return replace(
        problems,
        lower=np.where(held, drawn, problems.lower),
        upper=np.where(held, drawn, problems.upper),
    )
