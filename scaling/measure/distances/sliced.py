"""Sliced Wasserstein: exact one-dimensional distances along random directions, any distribution."""

import numpy as np
from jaxtyping import Float, Int

from scaling.measure.distances.estimate import Estimate

DIRECTIONS = 256
AT_ONCE = 16
"""Directions whose every step is held in memory."""


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
    """Mean over directions of the squared W2 (Rabin et al. 2011).

    Its interval joins the noise of the samples, by the infinitesimal jackknife (Jaeckel 1972), with
    that of the directions. Biased upwards at finite samples, like FD; read it beside the control of
    two real halves.
    """
    along = directions(x.shape[1], count, seed)
    x, y = x.astype(np.float64) @ along, y.astype(np.float64) @ along
    squares, of_x, of_y = [], np.zeros(len(x)), np.zeros(len(y))
    for start in range(0, count, AT_ONCE):
        some = slice(start, start + AT_ONCE)
        squares.append(wasserstein_squared(x[:, some], y[:, some]))
        of_x += potentials(x[:, some], y[:, some]).sum(axis=1) / count
        of_y += potentials(y[:, some], x[:, some]).sum(axis=1) / count
    each = np.concatenate(squares)
    own = float(of_y.var()) / len(y)
    of_samples = float(of_x.var()) / len(x) + own
    of_directions = float(each.var(ddof=1)) / count
    error = (of_samples + of_directions) ** 0.5
    return Estimate.normal(float(each.mean()), error, of_generated=own**0.5)


def wasserstein_squared(
    x: Float[np.ndarray, "n count"], y: Float[np.ndarray, "m count"]
) -> Float[np.ndarray, " count"]:
    """Of each column: the integral of (F^-1 - G^-1)^2 between two empirical distributions."""
    widths, i, j = coupling(len(x), len(y))
    return widths @ (np.sort(x, axis=0)[i] - np.sort(y, axis=0)[j]) ** 2


def potentials(
    x: Float[np.ndarray, "n count"], y: Float[np.ndarray, "m count"]
) -> Float[np.ndarray, "n count"]:
    """Derivative of each column's squared W2 by the weight of each x, but for a constant.

    Kantorovich's potential, whose slope is twice the way that mass goes: from one x to the next it
    rises by the integral of 2 (x - T(x)), for T the mean of what lies opposite both.
    """
    _, i, j = coupling(len(x), len(y))
    rank = np.argsort(x, axis=0)
    ours, theirs = np.take_along_axis(x, rank, axis=0)[i], np.sort(y, axis=0)[j]
    both = ours - theirs
    rises = np.cumsum(np.diff(ours, axis=0) * (both[1:] + both[:-1]), axis=0)
    risen = np.concatenate([np.zeros_like(ours[:1]), rises])
    found = np.empty_like(x)
    np.put_along_axis(found, rank, risen[np.searchsorted(i, np.arange(len(x)))], axis=0)
    return found


def coupling(
    n: int, m: int
) -> tuple[Float[np.ndarray, " steps"], Int[np.ndarray, " steps"], Int[np.ndarray, " steps"]]:
    """How much mass goes from the i-th least of n to the j-th of m: masses, i and j."""
    steps = np.union1d(np.arange(1, n + 1) * m, np.arange(1, m + 1) * n)  # in units of 1 / (n m)
    return np.diff(steps, prepend=0) / (n * m), (steps - 1) // m, (steps - 1) // n
