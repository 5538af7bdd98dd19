"""Where residuals come from: seeds of one cell, and the law's own lack of fit."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Log residuals taken apart; a *cell* is one rung at one horizon.

    `within` [n] is what is left of a residual after its cell's mean, scaled by sqrt(k / (k - 1))
    for k seeds so that its variance is that of a seed; `between` [cells] are the cells' means,
    inflated for the parameters fitted, and `by_seeds` is the part of their variance that seeds
    alone would give. Degrees of freedom count runs and rungs, not horizons: those of one run move
    together.
    """

    within: Array
    between: Array
    cell: NDArray[np.intp]
    by_seeds: float
    seed_freedom: int
    rung_freedom: int

    @property
    def seed_deviation(self) -> float:
        """Standard deviation over seeds of the log value, pooled (0 without repeated seeds)."""
        return _rms(self.within[self.within != 0])

    @property
    def mean_deviation(self) -> float:
        """Standard deviation of a cell's mean about the law: of seeds and of the law's misfit."""
        return _rms(self.between)


def take_apart(residuals: Array, points: pd.DataFrame, fitted: int) -> Noise:
    """Split log residuals [n] of `points`; `fitted` parameters were spent on the rungs."""
    cell, size = _cells(points)
    mean = np.bincount(cell, residuals) / size
    seeds = size[cell]
    repeated = seeds > 1
    within = np.where(repeated, residuals - mean[cell], 0.0)
    within *= np.sqrt(seeds / np.maximum(seeds - 1, 1))

    runs = points.groupby("rung").run.nunique()
    rungs = len(runs) if len(runs) > 1 else len(size)  # one rung: its horizons are the cells
    freedom = max(rungs - fitted, 1)
    inflation = rungs / freedom
    by_seeds = _rms(within[repeated]) ** 2 * np.mean(1 / size) if repeated.any() else 0.0
    return Noise(
        within=within,
        between=mean * np.sqrt(inflation),
        cell=cell,
        by_seeds=by_seeds,
        seed_freedom=int((runs - 1).sum()),
        rung_freedom=freedom,
    )


def drawn_deviations(noise: Noise, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """What seeds' deviation is multiplied with, and the law's misfit at a rung: [count] each.

    Variances of seeds and of rungs' means are s^2 nu / chi^2_nu, and the misfit is what the second
    has beyond seeds, or nothing: a generalised pivot (Weerahandi 1993, doi
    10.1080/01621459.1993.10476355). Where rungs happen to lie nearer to the law than their seeds
    say, a misfit stays possible; it makes intervals of laws without any too wide, not too narrow.
    """
    seed_scale = _student(rng, noise.seed_freedom, count)
    means = (noise.mean_deviation * _student(rng, noise.rung_freedom, count)) ** 2
    return seed_scale, np.sqrt(np.maximum(means - noise.by_seeds * seed_scale**2, 0))


def _student(rng: np.random.Generator, freedom: int, count: int) -> Array:
    """sqrt(nu / chi^2_nu) [count]: a normal number times it follows Student's t."""
    if not freedom:
        return np.ones(count)
    return np.asarray(np.sqrt(freedom / rng.chisquare(freedom, count)), float)


def seed_deviation(points: pd.DataFrame) -> float:
    """Standard deviation of log value over the seeds of a cell, pooled; nan without repeats.

    Where some values are 0, as rates may be, that of the values over their mean.
    """
    values = points["value"].to_numpy(float)
    logs = np.log(values) if (values > 0).all() else values / (values.mean() or 1.0)
    cell, size = _cells(points)
    spread = logs - (np.bincount(cell, logs) / size)[cell]
    freedom = (size - 1).sum()
    return float(np.sqrt((spread**2).sum() / freedom)) if freedom else float("nan")


def _cells(points: pd.DataFrame) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Each row's cell [n], and how many rows every cell has."""
    rung, _ = pd.factorize(points["rung"])
    horizon, horizons = pd.factorize(points["steps"])
    _, cell, size = np.unique(
        rung * len(horizons) + horizon, return_inverse=True, return_counts=True
    )
    return cell, size


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(values**2))) if values.size else 0.0
