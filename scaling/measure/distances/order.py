"""Rows in an order that depends on what they hold, not on where they stand.

What shares rows out, leaves some out or draws them again would else give another value to the same
images in another order.
"""

import numpy as np
from jaxtyping import Float, Int

from scaling.measure.distances.moments import in_blocks


def order(*columns: Float[np.ndarray, "n _"]) -> Int[np.ndarray, " n"]:
    """Row numbers, rising along a random direction; those alike there by the next array's.

    A projection and not a hash: features that were rounded otherwise keep their places but for
    those of next to equal ones.
    """
    return np.lexsort([along(rows) for rows in reversed(columns)])


def along(rows: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
    """Projections, each summed by itself, so that they are the same bits wherever a row stands."""
    direction = np.random.default_rng(0).normal(size=rows.shape[1])
    products = (np.multiply(some, direction, order="C") for some in in_blocks(rows))
    return np.concatenate([some.sum(axis=1) for some in products])


def shuffled(rows: Float[np.ndarray, "n d"], rng: np.random.Generator) -> Float[np.ndarray, "n d"]:
    """At random, but for any order given in the same way."""
    return rows[order(rows)[rng.permutation(len(rows))]]


def at_most(rows: Float[np.ndarray, "n d"], most: int) -> Float[np.ndarray, "m d"]:
    """All rows, or `most` of them at random, the same ones for any order."""
    return rows if len(rows) <= most else shuffled(rows, np.random.default_rng(0))[:most]
