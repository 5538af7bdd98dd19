"""Mean and covariance of features that need not be in memory together."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce

import numpy as np
from jaxtyping import Float

ROWS_AT_ONCE = 8192


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Number of rows, their mean, and the sum of outer products of deviations from it."""

    count: int
    mean: Float[np.ndarray, " d"]
    scatter: Float[np.ndarray, "d d"]

    @property
    def covariance(self) -> Float[np.ndarray, "d d"]:
        """The unbiased estimate: divided by count - 1."""
        return self.scatter / (self.count - 1)


def of_block(rows: Float[np.ndarray, "n d"]) -> Moments:
    """In float64, the mean taken off before squares are formed."""
    rows = rows.astype(np.float64)
    mean = rows.mean(axis=0)
    rows -= mean
    return Moments(count=len(rows), mean=mean, scatter=rows.T @ rows)


def merged(a: Moments, b: Moments) -> Moments:
    """Moments of the union, exactly (Chan, Golub & LeVeque 1983)."""
    count = a.count + b.count
    apart = b.mean - a.mean
    return Moments(
        count=count,
        mean=a.mean + apart * (b.count / count),
        scatter=a.scatter + b.scatter + np.outer(apart, apart) * (a.count * b.count / count),
    )


def moments(blocks: Iterable[Float[np.ndarray, "_ d"]]) -> Moments:
    """Of all rows of one block or more; each is read once."""
    return reduce(merged, map(of_block, blocks))


def in_blocks(features: Float[np.ndarray, "n d"]) -> Iterator[Float[np.ndarray, "_ d"]]:
    """Rows in blocks that are small beside the whole."""
    for start in range(0, len(features), ROWS_AT_ONCE):
        yield features[start : start + ROWS_AT_ONCE]
