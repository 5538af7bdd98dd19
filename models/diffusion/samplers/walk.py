"""What all samplers share: the walk from level to level, and the noise that some of them add."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from models.diffusion.noise import standard_normal
from models.diffusion.process import Process, over_images

Draw = Callable[[Int[Array, ""]], Float[Array, "b *d"]]
"""Standard normal noise in z's shape for the step of that number."""

Step = Callable[[Array, Any, Array, Array, Array], tuple[Array, Any]]
"""(z, memory, number, level [b], following level [b]) -> (z at the following level, memory)."""


def fresh_noise(keys: Key[Array, " b"], shape: tuple[int, ...]) -> Draw:
    """Noise for each image of `shape` from its own key, whatever images share its batch."""

    def draw(number: Int[Array, ""]) -> Float[Array, "b *d"]:
        return jax.vmap(lambda key: standard_normal(jax.random.fold_in(key, number), shape))(keys)

    return draw


def needs(draw: Draw | None) -> Draw:
    """The noise that a stochastic sampler asks for; ValueError when it was given none."""
    if draw is None:
        raise ValueError("this sampler adds noise at every step: give it `draw` (see fresh_noise)")
    return draw


def last(levels: Float[Array, " steps"], images: Float[Array, "b *d"]) -> Float[Array, " b"]:
    """The last level, once for each image."""
    return jnp.full((len(images),), levels[-1])


def walk(
    step: Step,
    process: Process,
    noise: Float[Array, "b *d"],
    levels: Float[Array, " steps"],
    memory: Any = None,
) -> Float[Array, "b *d"]:
    """z at the last level: from noise alone at the first, one compiled step per pair of levels."""
    return walked(step, process, noise, levels, memory)[0]


def walked(
    step: Step,
    process: Process,
    noise: Float[Array, "b *d"],
    levels: Float[Array, " steps"],
    memory: Any,
) -> tuple[Float[Array, "b *d"], Any]:
    """The same with what the last step left in memory."""
    every = jnp.broadcast_to(levels[:, None], (len(levels), len(noise)))

    def body(state: tuple[Array, Any], at: tuple[Array, Array, Array]) -> tuple[Any, None]:
        return step(*state, *at), None

    first = over_images(process.sigma(every[0]), noise) * noise
    numbers = jnp.arange(len(levels) - 1)
    state, _ = jax.lax.scan(body, (first, memory), (numbers, every[:-1], every[1:]))
    return state
