"""Mean and covariance of features, of parts of them, and of weighted ones."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import DTypeLike

ROWS_AT_ONCE = 8192
"""With fewer the products of 2,048 dimensions take up to half as long again."""


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Number of rows, their mean, and the sum of outer products of deviations from it.

    Of weighted rows the number is Kish's effective one.
    """

    count: int | float
    mean: Float[np.ndarray, " d"]
    scatter: Float[np.ndarray, "d d"]

    @property
    def covariance(self) -> Float[np.ndarray, "d d"]:
        """The unbiased estimate: divided by count - 1."""
        return self.scatter / (self.count - 1)


def moments(features: Float[np.ndarray, "n d"], products: DTypeLike = np.float64) -> Moments:
    """Squares of what is left of a mean rounded to `products`, in which they are formed.

    They are summed in that type within blocks and in float64 over blocks. So rounded, the mean is
    taken off rows of that type all but exactly: the many equal zeros of a rectified feature would
    else be rounded alike, an error that does not average out.
    """
    mean = features.mean(axis=0, dtype=np.float64)
    centre = mean.astype(products)
    missed = mean - centre
    scatter = np.outer(missed, missed * -len(features))
    room = np.empty((min(ROWS_AT_ONCE, len(features)), features.shape[1]), products)
    for rows in in_blocks(features):
        left = np.subtract(rows, centre, out=room[: len(rows)])
        scatter += left.T @ left
    return Moments(count=len(features), mean=mean, scatter=scatter)


def merged(a: Moments, b: Moments) -> Moments:
    """Moments of the union, exactly (Chan, Golub & LeVeque 1983)."""
    count = a.count + b.count
    apart = b.mean - a.mean
    scatter = np.outer(apart, apart * (a.count * b.count / count))
    scatter += a.scatter
    scatter += b.scatter
    return Moments(count=count, mean=a.mean + apart * (b.count / count), scatter=scatter)


def weighted(
    features: Float[np.ndarray, "n d"],
    weights: Float[np.ndarray, " n"],
    products: DTypeLike = np.float64,
) -> Moments:
    """With (sum w)^2 / sum w^2 as the count (Kish 1965), whose covariance is then unbiased."""
    count = float(weights.sum() ** 2 / (weights**2).sum())
    shares = weights / weights.sum()
    mean = shares @ features
    scatter = np.zeros((features.shape[1], features.shape[1]))
    for rows, share in zip(in_blocks(features), in_blocks(shares), strict=True):
        left = ((rows - mean) * np.sqrt(count * share)[:, None]).astype(products, copy=False)
        scatter += left.T @ left
    return Moments(count=count, mean=mean, scatter=scatter)


def in_blocks(features: Float[np.ndarray, "n ..."]) -> Iterator[Float[np.ndarray, "_ ..."]]:
    """Rows in blocks that are small beside the whole."""
    for start in range(0, len(features), ROWS_AT_ONCE):
        yield features[start : start + ROWS_AT_ONCE]
