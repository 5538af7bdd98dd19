"""Sliced Wasserstein: exact one-dimensional distances along random directions, any distribution."""

import numpy as np
from jaxtyping import Float

from scaling.measure.distances.estimate import Estimate

DIRECTIONS = 256


def directions(dimension: int, count: int, seed: int) -> Float[np.ndarray, "d count"]:
    """Uniform on the sphere."""
    drawn = np.random.default_rng(seed).normal(size=(dimension, count))
    return drawn / np.linalg.norm(drawn, axis=0)


def sliced_wasserstein(
    x: Float[np.ndarray, "n d"],
    y: Float[np.ndarray, "m d"],
    *,
    count: int = DIRECTIONS,
    seed: int = 0,
) -> Estimate:
    """Mean over directions of the squared W2 (Rabin et al. 2011), its interval over directions.

    Biased upwards at finite samples, like FD; read it beside the control of two real halves.
    """
    along = directions(x.shape[1], count, seed)
    squares = wasserstein_squared(x.astype(np.float64) @ along, y.astype(np.float64) @ along)
    return Estimate.normal(float(squares.mean()), float(squares.std(ddof=1)) / count**0.5)


def wasserstein_squared(
    x: Float[np.ndarray, "n count"], y: Float[np.ndarray, "m count"]
) -> Float[np.ndarray, " count"]:
    """Of each column: the integral of (F^-1 - G^-1)^2 between two empirical distributions."""
    n, m = len(x), len(y)
    steps = np.union1d(np.arange(1, n + 1) * m, np.arange(1, m + 1) * n)  # in units of 1 / (n m)
    widths = np.diff(steps, prepend=0) / (n * m)
    i, j = (steps - 1) // m, (steps - 1) // n
    return widths @ (np.sort(x, axis=0)[i] - np.sort(y, axis=0)[j]) ** 2
