"""Loss and gradient of a batch, whole or in parts."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from scaling.train.losses import Drawn, Losses, balanced


def gradients(losses: Losses, parts: int) -> Callable[[Any, Drawn], tuple[Array, Any]]:
    """(parameters, batch) -> (each example's weighted loss, gradient of the balanced ones' mean).

    With several parts the gradient is summed over them one after another, so that activations of
    one part alone are in memory. Part i holds the examples i, i + parts, ...: a batch that is split
    among devices stays where it is.
    """

    def mean_loss(parameters: Any, drawn: Drawn) -> tuple[Array, Float[Array, " b"]]:
        each = losses(parameters, drawn)
        return jnp.mean(balanced(each, drawn)), each

    gradient_of = jax.grad(mean_loss, has_aux=True)

    def whole(parameters: Any, drawn: Drawn) -> tuple[Array, Any]:
        gradient, each = gradient_of(parameters, drawn)
        return each, gradient

    def in_parts(parameters: Any, drawn: Drawn) -> tuple[Array, Any]:
        split = jax.tree.map(
            lambda leaf: leaf.reshape(-1, parts, *leaf.shape[1:]).swapaxes(0, 1), drawn
        )

        def add(total: Any, part: Drawn) -> tuple[Any, Array]:
            each, gradient = whole(parameters, part)
            return jax.tree.map(lambda t, g: t + g / parts, total, gradient), each

        total, each = jax.lax.scan(add, jax.tree.map(jnp.zeros_like, parameters), split)
        return each.swapaxes(0, 1).reshape(-1), total

    return whole if parts == 1 else in_parts
