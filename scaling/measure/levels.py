"""The loss of every example at every noise level, on random numbers common to all runs."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from models.diffusion.loss import denoising_loss
from models.diffusion.noise import standard_normal
from models.diffusion.predictions import Network
from models.diffusion.process import Process
from scaling.data.source import EvaluationSet
from scaling.group import to_host

EXAMPLES_AT_ONCE = 64


def common_noise(
    seed: int, ids: Int[Array, " b"], level: Int[Array, ""], draw: Int[Array, ""], shape: tuple
) -> Float[Array, "b *shape"]:
    """Noise that depends on (seed, example id, index of the noise level, draw) and nothing else."""

    def one(example: Array) -> Array:
        key = jax.random.key(seed)
        for number in (example, level, draw):
            key = jax.random.fold_in(key, number)
        return standard_normal(key, shape)

    return jax.vmap(one)(ids)


def level_losses(
    process: Process,
    network: Network,
    batch: EvaluationSet,
    log_snr: Float[Array, " k"],
    *,
    seed: int,
    draws: int,
    prediction: str,
    error: str,
) -> Float[Array, "b k"]:
    """Squared error of `error` for each example and level, averaged over the draws of noise."""
    images, tokens, ids = (jnp.asarray(part) for part in batch)

    def at_level(index: Array) -> Float[Array, " b"]:
        def at_draw(draw: Array) -> Float[Array, " b"]:
            noise = common_noise(seed, ids, index, draw, images.shape[1:])
            levels = jnp.full(len(images), log_snr[index])
            return denoising_loss(
                process,
                network,
                images,
                tokens,
                noise,
                levels,
                prediction=prediction,
                error=error,
            )

        return jnp.mean(jax.lax.map(at_draw, jnp.arange(draws)), axis=0)

    return jax.lax.map(at_level, jnp.arange(len(log_snr))).T


def in_blocks(
    function: Callable[[Any, EvaluationSet], Array], parameters: Any, data: EvaluationSet
) -> Float[np.ndarray, "... n k"]:
    """Apply a compiled function to blocks of one size, the last one filled up and cut again."""
    count = len(data.ids)
    blocks = []
    for start in range(0, count, EXAMPLES_AT_ONCE):
        index = np.arange(start, start + EXAMPLES_AT_ONCE)
        block = jax.tree.map(lambda a, i=index: a[np.minimum(i, count - 1)], data)
        blocks.append(to_host(function(parameters, block))[..., : count - start, :])
    return np.concatenate(blocks, axis=-2)
