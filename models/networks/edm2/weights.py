"""Forced weight normalisation (arXiv 2312.02696, Eq. 66)."""

from typing import Any

import jax
from jaxtyping import Array

from models.networks.edm2.magnitude import normalise as to_unit_magnitude

NORMALISED = ("kernel", "words")


def fan_in_axes(weight: Array) -> tuple[int, ...]:
    """All axes but the last, that of the outputs."""
    return tuple(range(weight.ndim - 1))


def normalise(parameters: Any) -> Any:
    """Every output's weights to magnitude one, as a trainer does after each update.

    The network normalises what it is given, so the function that it computes does not change (but
    for the 1e-4 that guards a division). What changes is the training: weights cannot grow, so a
    rate means the same at every step, and a gradient is not scaled by the inverse of their length.
    """

    def unit(path: tuple[Any, ...], leaf: Array) -> Array:
        named = getattr(path[-1], "key", None) in NORMALISED
        return to_unit_magnitude(leaf, fan_in_axes(leaf)) if named else leaf

    return jax.tree_util.tree_map_with_path(unit, parameters)
