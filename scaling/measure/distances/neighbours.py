"""Precision, recall, density and coverage: balls around samples that reach their k-th neighbour."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from scaling.measure.distances.estimate import Estimate, bootstrap
from scaling.measure.distances.frechet import many_and_single
from scaling.measure.distances.order import order

ROWS_AT_ONCE = 1024
PRECISION_NEIGHBOURS = 3
"""k of Kynkaanniemi et al. (2019)."""
DENSITY_NEIGHBOURS = 5
"""k of Naeem et al. (2020)."""


@dataclass(frozen=True, kw_only=True)
class Manifolds:
    """Each is a mean over samples; its interval resamples those, the balls held fixed.

    Resampling the balls' own samples would put copies at distance zero and empty the balls.
    """

    precision: Estimate
    recall: Estimate
    density: Estimate
    coverage: Estimate


def manifolds(
    real: Float[np.ndarray, "n d"], generated: Float[np.ndarray, "m d"], *, draws: int = 200
) -> Manifolds:
    """More than DENSITY_NEIGHBOURS samples a side."""
    real, generated = real[order(real)], generated[order(generated)]
    if not (many_and_single(real) and many_and_single(generated)):
        real, generated = real.astype(np.float64), generated.astype(np.float64)
    centre = real.mean(axis=0)
    real, generated = real - centre, generated - centre
    near, wide = radii(real, (PRECISION_NEIGHBOURS, DENSITY_NEIGHBOURS)).T
    (of_generated,) = radii(generated, (PRECISION_NEIGHBOURS,)).T
    in_real = np.zeros(len(generated), bool)  # within some ball of a real sample
    in_generated, covered = np.zeros(len(real), bool), np.zeros(len(real), bool)
    balls = np.zeros(len(generated))  # of real samples, around each generated one
    for start in range(0, len(real), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        squares = squared_distances(real[part], generated)
        in_real |= (squares <= near[part, None]).any(axis=0)
        in_generated[part] = (squares <= of_generated).any(axis=1)
        inside = squares <= wide[part, None]
        balls += inside.sum(axis=0)
        covered[part] = inside.any(axis=1)

    def mean(flags: np.ndarray) -> Estimate:
        return bootstrap(lambda rows: float(rows.mean()), flags.astype(float), draws=draws)

    return Manifolds(
        precision=mean(in_real),
        recall=mean(in_generated),
        density=mean(balls / DENSITY_NEIGHBOURS),
        coverage=mean(covered),
    )


def radii(features: Float[np.ndarray, "n d"], k: tuple[int, ...]) -> Float[np.ndarray, "n k"]:
    """Squared distances to the k-th nearest other samples."""
    found = []
    for start in range(0, len(features), ROWS_AT_ONCE):
        rows = features[start : start + ROWS_AT_ONCE]
        squares = squared_distances(rows, features)
        squares[np.arange(len(rows)), np.arange(start, start + len(rows))] = 0  # itself, exactly
        squares.partition(k, axis=1)
        found.append(squares[:, k])
    return np.concatenate(found)


def squared_distances(
    x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"]
) -> Float[np.ndarray, "n m"]:
    """|x - y|^2 of all pairs of rows about a common centre, else digits are lost; never below 0."""
    squares = x @ y.T
    squares *= -2
    squares += (x**2).sum(axis=1)[:, None]
    squares += (y**2).sum(axis=1)
    return squares.clip(0, out=squares)
