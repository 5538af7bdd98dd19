"""Data sets like the one observed, drawn anew. Horizons of one run always stay together.

- **cases**, for a scattered design (thirty or more, hardly any of them repeated): designs are drawn
  with replacement, each with all its runs and their horizons. Seeds share their rung's deviation
  from the law, so that runs drawn one by one would pass for more than they are.
- **residuals**, for a ladder. Dropping one of five rungs changes the question, and two seeds of a
  rung say little when they are redrawn, so the design stays and the noise is drawn anew. A run's
  deviation from its rung's mean and a rung's deviation from the law are drawn separately, each as
  a whole curve over horizons, from all curves of its kind, times a normal number and a standard
  deviation that is itself drawn, which widens the interval as Student's t does: few seeds and few
  rungs give a wide interval, not a wrong one.
- **wild**, where noise depends on size: the same, but every run and rung keeps its own curve (Wu
  1986, doi 10.1214/aos/1176350142).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.estimation.estimate import Estimate
from analysis.estimation.problem import Indices
from analysis.uncertainty.noise import Noise, drawn_deviations, take_apart

Array = NDArray[np.float64]
Method = Literal["auto", "cases", "residuals", "wild"]
SCATTERED = 30
LARGEST_LOG_NOISE = 3.0
TINY = 1e-300


@dataclass(frozen=True, kw_only=True)
class Resampled:
    """Data sets drawn for one fit: values and weights [count, n] and the scales of their noise."""

    method: str
    y: Array
    weights: Array
    seed_deviation: Array
    rung_deviation: Array


def resample(
    y: Array,
    base: Array,
    best: Estimate,
    points: pd.DataFrame,
    *,
    fitted: int,
    count: int,
    seed: int,
    method: Method = "auto",
) -> Resampled:
    """Draw `count` data sets about the best fit to `y` [n] with weights `base`."""
    rng = np.random.default_rng(seed)
    noise = take_apart(best.residuals, points, fitted)
    if method == "auto":
        method = "cases" if is_scattered(points) else "residuals"
    seed_scale, misfit = drawn_deviations(noise, count, rng)
    if method == "cases":
        values, weights = np.tile(y, (count, 1)), _cases(points, fitted, count, rng)
    else:
        exchanged = method == "residuals"
        rung_scale = misfit / max(noise.mean_deviation, TINY)
        drawn = _noise(noise, points, seed_scale, rung_scale, rng, exchanged=exchanged)
        drawn = np.clip(drawn, -LARGEST_LOG_NOISE, LARGEST_LOG_NOISE)
        values, weights = y - best.residuals + drawn, np.ones(drawn.shape)
    return Resampled(
        method=method,
        y=values,
        weights=base * weights / (base * weights).sum(axis=1, keepdims=True),
        seed_deviation=noise.seed_deviation * seed_scale,
        rung_deviation=misfit,
    )


def is_scattered(points: pd.DataFrame) -> bool:
    """Whether runs are points of a cloud: many of them, and next to none the repeat of another."""
    runs = points["run"].nunique()
    if runs < SCATTERED:
        return False
    designs = len(np.unique(designs_of(points)))
    return designs >= SCATTERED and runs < 1.5 * designs


OTHER_VARIABLES = ("images", "flops", "data", "unique_data")


def designs_of(points: pd.DataFrame) -> Indices:
    """Which rows [n] are of runs that differ in their seeds alone, by where each run ends."""
    columns = ["size", "steps", *(name for name in OTHER_VARIABLES if name in points)]
    last = points.groupby("run")["steps"].transform("max") == points["steps"]
    ends = points[last].drop_duplicates("run")
    of_runs = ends.groupby(columns, sort=False, dropna=False).ngroup()
    return np.asarray(points["run"].map(dict(zip(ends["run"], of_runs, strict=True))), np.intp)


def _cases(points: pd.DataFrame, fitted: int, count: int, rng: np.random.Generator) -> Array:
    """How often each row's design was drawn [count, n], never fewer of them than are `fitted`.

    Of a single design, its horizons.
    """
    code = designs_of(points)
    if not code.any():
        code = pd.factorize(points["steps"])[0]
    designs = int(code.max()) + 1
    drawn = np.zeros((count, designs))
    while (few := (drawn > 0).sum(axis=1) < min(fitted, designs)).any():
        drawn[few] = rng.multinomial(designs, np.full(designs, 1 / designs), int(few.sum()))
    return drawn[:, code]


def _noise(
    noise: Noise,
    points: pd.DataFrame,
    seed_scale: Array,
    rung_scale: Array,
    rng: np.random.Generator,
    *,
    exchanged: bool,
) -> Array:
    """New residuals [count, n]: a curve per run and one per rung, from all or their own."""
    run, runs = pd.factorize(points["run"])
    rung, rungs = pd.factorize(points["rung"])
    horizon, horizons = pd.factorize(points["steps"])
    within = _curves(noise.within, run, horizon, (len(runs), len(horizons)))
    between = _curves(noise.between[noise.cell], rung, horizon, (len(rungs), len(horizons)))
    repeated = np.flatnonzero((within != 0).any(axis=1))
    drawn = np.zeros((len(seed_scale), len(points)))
    if repeated.size:
        donors = within[repeated] if exchanged else within
        curves = _draw(donors, len(runs), seed_scale, rng, exchanged=exchanged)
        drawn += curves[:, run, horizon]
    if len(rungs) == 1:  # nothing to exchange but the horizons themselves
        between, rung, horizon = between.T, horizon, np.zeros_like(horizon)
    curves = _draw(between, len(between), rung_scale, rng, exchanged=exchanged)
    return drawn + curves[:, rung, horizon]


def _curves(values: Array, row: Indices, column: Indices, shape: tuple[int, int]) -> Array:
    curves = np.zeros(shape)
    curves[row, column] = values
    return curves


def _draw(
    curves: Array, wanted: int, scale: Array, rng: np.random.Generator, *, exchanged: bool
) -> Array:
    """[count, wanted, horizons]: curves, each times a normal number and `scale`.

    Drawn with replacement if they are exchanged, else each in its place.
    """
    count = len(scale)
    if exchanged:
        donor = rng.integers(len(curves), size=(count, wanted))
    else:
        donor = np.broadcast_to(np.arange(wanted), (count, wanted))
    return curves[donor] * (rng.standard_normal(donor.shape) * scale[:, None])[..., None]
