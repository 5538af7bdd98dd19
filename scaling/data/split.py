"""Choices that depend on an example's own name alone, so that adding data moves nothing."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b

import numpy as np
from jaxtyping import Int, Int32


def draw(*name: object) -> float:
    """A fixed number in [0, 1) for a name: uniform over names, the same on every machine."""
    digest = blake2b("\0".join(map(str, name)).encode(), digest_size=8).digest()
    return (int.from_bytes(digest) >> 11) / 2**53


def is_held_out(name: str, share: float) -> bool:
    """Whether a concept or image is kept from training; a larger share keeps these and more."""
    return draw(name) < share


def ids(names: Iterable[str]) -> Int32[np.ndarray, " n"]:
    """A non-negative number for each example, to key its noise with."""
    return np.array([int(draw("id", name) * 2**31) for name in names], np.int32)


def chosen(ids: Int32[np.ndarray, " n"], count: int, seed: int) -> Int[np.ndarray, " m"]:
    """Positions of `count` examples, or of all if fewer; a larger count adds to a smaller one."""
    order = np.argsort([draw("chosen", seed, int(i)) for i in ids], kind="stable")
    return order[:count]


def shuffled(names: Sequence[str], seed: int) -> list[str]:
    """The names in an order that depends on the seed alone."""
    return sorted(names, key=lambda name: draw("shuffled", seed, name))
