"""The training loss of every example of one random batch."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh
from jaxtyping import Array, Float, Int, PRNGKeyArray

from models.diffusion.densities import UNIFORMS
from models.diffusion.loss import denoising_loss
from scaling import build
from scaling.config import RunConfig
from scaling.data.source import Source
from scaling.train.sharding import batch_constraint

Losses = Callable[..., tuple[Float[Array, " b"], Float[Array, " b"]]]
"""(parameters, density's state, arrays, key, index) -> (weighted losses, their log-SNR)."""


def weighted_losses(config: RunConfig, source: Source, mesh: Mesh | None = None) -> Losses:
    """Draws images, captions, levels and noise by `key`; `index` are the examples of the batch."""
    network = build.network(config)
    process = build.process(config.diffusion)
    schedule, factor = build.schedule(config), build.factor(config.diffusion)
    uniforms = UNIFORMS[config.diffusion.draws]
    prediction, error = config.diffusion.prediction, config.diffusion.error
    size = config.train.batch_size

    def losses(
        parameters: Any, state: Any, arrays: Any, key: PRNGKeyArray, index: Int[Array, " b"]
    ) -> tuple[Float[Array, " b"], Float[Array, " b"]]:
        data_key, level_key, noise_key, drop_key = jax.random.split(key, 4)
        batch = source.draw(arrays, data_key, index)
        keep = jax.random.uniform(drop_key, (size, 1)) >= config.train.caption_dropout
        batch = batch._replace(tokens=jnp.where(keep, batch.tokens, 0))
        density = schedule.density(state)
        log_snr = density.quantile(uniforms(level_key, size))
        noise = jax.random.normal(noise_key, batch.images.shape)
        batch, log_snr, noise = batch_constraint(mesh, (batch, log_snr, noise))
        each = denoising_loss(
            process,
            partial(network.apply, parameters),
            batch.images,
            batch.tokens,
            noise,
            log_snr,
            prediction=prediction,
            error=error,
        )
        return each * factor(density, log_snr), log_snr

    return losses
