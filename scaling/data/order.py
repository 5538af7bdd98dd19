"""The order of training examples: a pure function of (seed, step), so there is nothing to save."""

from functools import lru_cache

import numpy as np
from jaxtyping import Int32


@lru_cache(maxsize=64)
def permutation(seed: int, epoch: int, examples: int) -> Int32[np.ndarray, " examples"]:
    """The order in which epoch `epoch` visits the examples. Read-only, since it is shared."""
    order = np.random.Generator(np.random.PCG64([seed, epoch])).permutation(examples)
    order = order.astype(np.int32)
    order.setflags(write=False)
    return order


def batch_indices(
    seed: int, first_step: int, steps: int, batch_size: int, examples: int
) -> Int32[np.ndarray, "steps batch_size"]:
    """Which training examples each of `steps` batches from `first_step` on holds.

    The stream's g-th example, g = step * batch_size + i, is number g % examples of epoch
    g // examples: batches run across the ends of epochs, and any slice can be computed alone.
    """
    first, end = first_step * batch_size, (first_step + steps) * batch_size
    pieces = [np.empty(0, np.int32)]
    for epoch in range(first // examples, -(-end // examples)):
        start = epoch * examples
        order = permutation(seed, epoch, examples)
        pieces.append(order[max(first - start, 0) : end - start])
    return np.concatenate(pieces).reshape(steps, batch_size)
