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

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.estimate import Estimate
from analysis.laws import Law, evaluate
from analysis.newton import polish, to_gain
from analysis.noise import Noise, take_apart
from analysis.problem import Problem

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
SCATTERED = 30
BATCH_NUMBERS = 50_000
"""Replicates times points refitted at once: enough to spread numpy's overhead, within caches."""
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


def bootstrap(
    problem: Problem, best: Estimate, points: pd.DataFrame, *, fitted: int, count: int, seed: int
) -> Replicates:
    """Refit `count` resampled data sets from the best fit.

    `points` [n] are the problem's rows; `fitted` parameters were spent on the rungs.
    """
    rng = np.random.default_rng(seed)
    noise = take_apart(best.log_residuals, points, fitted)
    scattered = points["rung"].nunique() >= SCATTERED
    log_y = weights = None
    seed_scale = _student(rng, noise.seed_freedom, count)
    rung_scale = _student(rng, noise.rung_freedom, count)
    if scattered:
        weights = _cases(points, count, rng)
    else:
        fit = problem.log_y - best.log_residuals
        drawn = _residuals(noise, points, seed_scale, rung_scale, rng)
        log_y = fit + np.clip(drawn, -LARGEST_LOG_NOISE, LARGEST_LOG_NOISE)
    theta, gain = np.empty((count, best.theta.size)), np.empty(count)
    batch = max(1, BATCH_NUMBERS // len(points))
    for start in range(0, count, batch):
        rows = slice(start, min(start + batch, count))
        resampled = {
            "log_y": None if log_y is None else log_y[rows],
            "weights": None if weights is None else weights[rows],
        }
        first = np.tile(best.theta, (rows.stop - rows.start, 1))
        theta[rows], *_ = polish(problem, first, **resampled, tolerance=1e-6, iterations=ITERATIONS)
        gain[rows] = to_gain(problem, theta[rows], **resampled)
    return Replicates(
        law=problem.law,
        method="cases" if scattered else "residuals",
        parameters=problem.natural(theta),
        seed_deviation=noise.seed_deviation * seed_scale,
        rung_deviation=noise.rung_deviation * rung_scale,
        stuck=float(np.mean(gain > STUCK_GAIN)),
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
