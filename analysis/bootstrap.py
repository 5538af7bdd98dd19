"""Intervals by a bootstrap over runs, never over the horizons of a run.

Two methods, chosen by the design:

- **cases**, for a scattered design (thirty rungs or more): runs are drawn with replacement, each
  with all its horizons.
- **residuals**, for a ladder. Dropping one of five rungs changes the question, and two seeds of a
  rung say little when they are redrawn, so the design stays and the noise is drawn anew. A run's
  deviation from its rung's mean and a rung's deviation from the law are drawn separately, each as
  a whole curve over horizons, from all curves of its kind, times a normal number, times
  sqrt(nu / chi^2_nu) for its nu degrees of freedom. The last factor widens the interval as
  Student's t does, so that few seeds and few rungs give a wide interval, not a wrong one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.estimate import Estimate
from analysis.laws import Law, evaluate
from analysis.newton import polish, to_gain
from analysis.noise import Noise, take_apart
from analysis.problem import Indices, Problems, side_by_side

Array = NDArray[np.float64]
SCATTERED = 30
BATCH_NUMBERS = 50_000
"""Replicates times points refitted at once: enough to spread numpy's overhead, within caches."""
SOON = 8
"""Iterations after which most refits have ended; the late ones of all batches go on together."""
ITERATIONS = 60
"""Nearly all refits end far sooner; the objectives of those stopped are within a few per mille."""
STUCK_GAIN = 1e-3
LARGEST_LOG_NOISE = 3.0


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

    def curve(self, variables: Mapping[str, Array]) -> Array:
        """The law of each replicate [B, m] at m points."""
        named = {name: self.parameters[:, i, None] for i, name in enumerate(self.law.parameters)}
        return evaluate(self.law, named, {k: np.asarray(v)[None] for k, v in variables.items()})

    def new_measurements(
        self, variables: Mapping[str, Array], seeds: int, rng: np.random.Generator
    ) -> Array:
        """The mean of `seeds` new runs of a new rung [B, m]: the law, its misfit and seed noise."""
        curve = self.curve(variables)
        seed = rng.standard_normal((len(curve), 1)) * self.seed_deviation[:, None] / np.sqrt(seeds)
        rung = rng.standard_normal((len(curve), 1)) * self.rung_deviation[:, None]
        return curve * np.exp(np.clip(seed + rung, -LARGEST_LOG_NOISE, LARGEST_LOG_NOISE))


@dataclass(frozen=True, kw_only=True)
class Resampled:
    """Data sets drawn for one fit: values and weights [count, n] and the scales of their noise."""

    method: str
    log_y: Array
    weights: Array
    seed_deviation: Array
    rung_deviation: Array


def bootstrap(
    problems: Problems,
    best: Sequence[Estimate],
    points: Sequence[pd.DataFrame],
    *,
    fitted: int,
    count: int,
    seed: int,
) -> list[Replicates]:
    """Refit `count` resampled data sets of each problem from its best fit.

    `points` [n] are each problem's rows; `fitted` parameters were spent on the rungs.
    """
    drawn = [
        resample(problems.log_y[: len(rows), i], found, rows, fitted=fitted, count=count, seed=seed)
        for i, (found, rows) in enumerate(zip(best, points, strict=True))
    ]
    owner = np.repeat(np.arange(len(problems)), count)
    theta = np.repeat([found.theta for found in best], count, axis=0)
    log_y, weights = (
        side_by_side([getattr(item, name).T for item in drawn]) for name in ("log_y", "weights")
    )

    def refit(rows: Indices, iterations: int) -> Indices:
        """Go on with these replicates and say which of them are not at their end."""
        refits = replace(problems.take(owner[rows]), log_y=log_y[:, rows], weights=weights[:, rows])
        theta[rows], damping[rows], late = polish(
            refits, theta[rows], damping=damping[rows], tolerance=1e-6, iterations=iterations
        )
        gain[rows] = 0
        gain[rows[late]] = to_gain(refits.take(late), theta[rows[late]])
        return rows[late]

    damping = np.full(len(theta), 0.1)
    gain = np.zeros(len(theta))  # what a refit stopped short of its optimum still had to gain
    batches = np.array_split(np.arange(len(theta)), -(-log_y.size // BATCH_NUMBERS))
    late = np.concatenate([refit(rows, SOON) for rows in batches])
    refit(late, ITERATIONS - SOON)
    parameters = problems.take(owner).natural(theta)
    return [
        Replicates(
            law=problems.law,
            method=item.method,
            parameters=parameters[owner == i],
            seed_deviation=item.seed_deviation,
            rung_deviation=item.rung_deviation,
            stuck=float(np.mean(gain[owner == i] > STUCK_GAIN)),
        )
        for i, item in enumerate(drawn)
    ]


def resample(
    log_y: Array, best: Estimate, points: pd.DataFrame, *, fitted: int, count: int, seed: int
) -> Resampled:
    """Draw `count` data sets about the best fit to `log_y` [n]."""
    rng = np.random.default_rng(seed)
    noise = take_apart(best.log_residuals, points, fitted)
    scattered = points["rung"].nunique() >= SCATTERED
    seed_scale = _student(rng, noise.seed_freedom, count)
    rung_scale = _student(rng, noise.rung_freedom, count)
    if scattered:
        values, weights = np.tile(log_y, (count, 1)), _cases(points, count, rng)
    else:
        drawn = _residuals(noise, points, seed_scale, rung_scale, rng)
        drawn = np.clip(drawn, -LARGEST_LOG_NOISE, LARGEST_LOG_NOISE)
        values, weights = log_y - best.log_residuals + drawn, np.ones(drawn.shape)
    return Resampled(
        method="cases" if scattered else "residuals",
        log_y=values,
        weights=weights / weights.sum(axis=1, keepdims=True),
        seed_deviation=noise.seed_deviation * seed_scale,
        rung_deviation=noise.rung_deviation * rung_scale,
    )


def _student(rng: np.random.Generator, freedom: int, count: int) -> Array:
    """sqrt(nu / chi^2_nu) [count]: a normal number times it follows Student's t."""
    if not freedom:
        return np.ones(count)
    return np.asarray(np.sqrt(freedom / rng.chisquare(freedom, count)), float)


def _cases(points: pd.DataFrame, count: int, rng: np.random.Generator) -> Array:
    """How often each row's run was drawn [count, n]."""
    code, runs = pd.factorize(points["run"])
    drawn = rng.multinomial(len(runs), np.full(len(runs), 1 / len(runs)), count)
    return drawn[:, code].astype(float)


def _residuals(
    noise: Noise,
    points: pd.DataFrame,
    seed_scale: Array,
    rung_scale: Array,
    rng: np.random.Generator,
) -> Array:
    """New log residuals [count, n]: a curve per run and one per rung, from those observed."""
    run, runs = pd.factorize(points["run"])
    rung, rungs = pd.factorize(points["rung"])
    horizon, horizons = pd.factorize(points["steps"])
    within = _curves(noise.within, run, horizon, (len(runs), len(horizons)))
    between = _curves(noise.between[noise.cell], rung, horizon, (len(rungs), len(horizons)))
    repeated = np.flatnonzero((within != 0).any(axis=1))
    drawn = np.zeros((len(seed_scale), len(points)))
    if repeated.size:
        curves = _draw(within[repeated], len(runs), seed_scale, rng)
        drawn += curves[:, run, horizon]
    if len(rungs) == 1:  # nothing to exchange but the horizons themselves
        between, rung, horizon = between.T, horizon, np.zeros_like(horizon)
    curves = _draw(between, len(between), rung_scale, rng)
    return drawn + curves[:, rung, horizon]


def _curves(values: Array, row: Indices, column: Indices, shape: tuple[int, int]) -> Array:
    curves = np.zeros(shape)
    curves[row, column] = values
    return curves


def _draw(curves: Array, wanted: int, scale: Array, rng: np.random.Generator) -> Array:
    """Draw [count, wanted, horizons] with replacement, each times a normal number and `scale`."""
    donor = rng.integers(len(curves), size=(len(scale), wanted))
    return curves[donor] * (rng.standard_normal(donor.shape) * scale[:, None])[..., None]
