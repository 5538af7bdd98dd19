"""The training loss of every example of one random batch."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import Mesh
from jaxtyping import Array, Float, Int, Num, PRNGKeyArray

from models.diffusion.densities import UNIFORMS
from models.diffusion.loss import denoising_loss
from models.diffusion.noise import standard_normal
from scaling import build
from scaling.config import RunConfig
from scaling.data.source import Source
from scaling.train.sharding import batch_constraint


class Drawn(NamedTuple):
    """Everything random about one batch."""

    images: Float[Array, "b h w c"]
    tokens: Num[Array, "b t *e"]
    noise: Float[Array, "b h w c"]
    log_snr: Float[Array, " b"]
    factor: Float[Array, " b"]  # that each squared error is multiplied with
    density: Float[Array, " b"]  # that log_snr was drawn from


Draw = Callable[[Any, Any, PRNGKeyArray, Int[Array, " b"]], Drawn]
"""(the density's state, arrays, key, the examples of the batch) -> a batch."""

Losses = Callable[[Any, Drawn], Float[Array, " b"]]
"""(parameters, a batch) -> each example's weighted loss."""


def batches(config: RunConfig, source: Source, mesh: Mesh | None = None) -> Draw:
    """Draws images, hides captions, and draws levels and noise, by the key alone."""
    schedule, factor = build.schedule(config), build.factor(config.diffusion)
    uniforms = UNIFORMS[config.diffusion.draws]
    size = config.train.batch_size

    def draw(state: Any, arrays: Any, key: PRNGKeyArray, index: Int[Array, " b"]) -> Drawn:
        data_key, level_key, noise_key, drop_key = jax.random.split(key, 4)
        images, tokens = source.draw(arrays, data_key, index)
        keep = jax.random.uniform(drop_key, (size, 1)) >= config.train.caption_dropout
        keep = keep.reshape(size, *(1,) * (tokens.ndim - 1))
        density = schedule.density(state)
        log_snr = density.quantile(uniforms(level_key, size))
        noise = standard_normal(noise_key, images.shape, batch=True)
        random = images, jnp.where(keep, tokens, 0), noise, log_snr
        numbers = factor(density, log_snr), density.pdf(log_snr)
        return Drawn(*batch_constraint(mesh, (*random, *numbers)))

    return draw


def weighted_losses(config: RunConfig) -> Losses:
    """The configured denoising loss times the batch's factors."""
    network, process = build.network(config), build.process(config.diffusion)
    prediction, error = config.diffusion.prediction, config.diffusion.error

    def losses(parameters: Any, drawn: Drawn) -> Float[Array, " b"]:
        return drawn.factor * denoising_loss(
            process,
            partial(network.apply, parameters),
            drawn.images,
            drawn.tokens,
            drawn.noise,
            drawn.log_snr,
            prediction=prediction,
            error=error,
        )

    return losses
