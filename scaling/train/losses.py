"""The training loss of every example of one random batch."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import Mesh
from jaxtyping import Array, Float, Key, Num, PRNGKeyArray

from models.diffusion import log_variance as log_variances
from models.diffusion.densities import UNIFORMS
from models.diffusion.log_variance import LogVariance
from models.diffusion.loss import denoising_loss
from models.diffusion.noise import standard_normal
from models.networks.edm2.dropout import Dropout
from scaling import build
from scaling.config import RunConfig
from scaling.config.log_variance import NoLogVariance
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
    dropout: Key[Array, " b"] | None = None  # says which activations are dropped
    log_variance: Float[Array, " b"] | None = None  # u at log_snr, where it is learned


Draw = Callable[[Any, Any, PRNGKeyArray, Any], Drawn]
"""(the density's state, arrays, key, the batch's indices [b] or examples [b, ...]) -> a batch."""

Losses = Callable[[Any, Drawn], Float[Array, " b"]]
"""(parameters, a batch) -> each example's weighted loss."""

FIFTH = 4
"""Of a step's key: the first four are split off for what every batch draws."""


def batches(config: RunConfig, source: Source, mesh: Mesh | None = None) -> Draw:
    """Draws images, hides captions, and draws levels and noise, by the key alone."""
    schedule, factor = build.schedule(config), build.factor(config)
    uniforms = UNIFORMS[config.diffusion.draws]
    size = config.train.batch_size

    def draw(state: Any, arrays: Any, key: PRNGKeyArray, index: Any) -> Drawn:
        data_key, level_key, noise_key, drop_key = jax.random.split(key, 4)
        images, tokens = source.draw(arrays, data_key, index)
        keep = jax.random.uniform(drop_key, (size, 1)) >= config.train.caption_dropout
        keep = keep.reshape(size, *(1,) * (tokens.ndim - 1))
        density = schedule.density(state)
        log_snr = density.quantile(uniforms(level_key, size))
        noise = standard_normal(noise_key, images.shape, batch=True)
        random = images, jnp.where(keep, tokens, 0), noise, log_snr
        numbers = factor(density, log_snr), density.pdf(log_snr)
        dropout = None
        if config.train.dropout:
            dropout = jax.random.split(jax.random.fold_in(key, FIFTH), size)
        return Drawn(*batch_constraint(mesh, (*random, *numbers, dropout)))

    return draw


def log_variance(config: RunConfig) -> LogVariance:
    """The configured log-variance of the loss, learned by the network's Adam."""
    given, train = config.diffusion.log_variance, config.train
    if isinstance(given, NoLogVariance):
        return log_variances.none()
    return log_variances.learned(
        channels=given.channels,
        learning_rate=given.learning_rate,
        beta1=train.beta1,
        beta2=train.beta2,
    )


def balanced(each: Float[Array, " b"], drawn: Drawn) -> Float[Array, " b"]:
    """What the network minimises of its weighted losses: divided by exp(u) where u is learned."""
    return each if drawn.log_variance is None else each * jnp.exp(-drawn.log_variance)


def weighted_losses(config: RunConfig) -> Losses:
    """The configured denoising loss times the batch's factors."""
    network, process = build.network(config), build.process(config.diffusion)
    prediction, error = config.diffusion.prediction, config.diffusion.error

    def losses(parameters: Any, drawn: Drawn) -> Float[Array, " b"]:
        training: dict[str, Any] = {}
        if drawn.dropout is not None:
            training["dropout"] = Dropout(share=config.train.dropout, keys=drawn.dropout)
        return drawn.factor * denoising_loss(
            process,
            partial(network.apply, parameters, **training),
            drawn.images,
            drawn.tokens,
            drawn.noise,
            drawn.log_snr,
            prediction=prediction,
            error=error,
        )

    return losses
