"""Guidance: networks made of networks, away from the prediction of a worse one.

All guide what the network predicts. Predictions at one z are linear in one another
(models/diffusion/predictions.py), so it is the same as guiding x0 or the score.
"""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float, Num

from models.diffusion.predictions import Network
from models.diffusion.process import over_images

Interval = tuple[float, float]

EVERYWHERE: Interval = (-math.inf, math.inf)


def _guided(
    good: Float[Array, "b *d"],
    bad: Float[Array, "b *d"],
    log_snr: Float[Array, " b"],
    scale: float | Float[Array, ""],
    interval: Interval,
) -> Float[Array, "b *d"]:
    """bad + scale (good - bad) within the interval of lambda, `good` itself outside."""
    low, high = interval
    level = over_images(log_snr, good)
    return jnp.where((low <= level) & (level <= high), bad + scale * (good - bad), good)


def classifier_free(
    network: Network, scale: float | Float[Array, ""], interval: Interval = EVERYWHERE
) -> Network:
    """Prediction without the caption plus `scale` times what the caption adds (arXiv 2207.12598).

    Scale 1 is the conditional network itself, 0 the unconditional one. The empty caption is all
    padding (token 0). Outside the interval [low, high] of lambda nothing is guided
    (arXiv 2404.07724). An array for a scale is not looked at: at 1 it costs what guidance does.
    """
    if isinstance(scale, int | float) and scale == 1:
        return network

    def guided(
        z: Float[Array, "b h w c"], log_snr: Float[Array, " b"], tokens: Num[Array, "b t *e"]
    ) -> Float[Array, "b h w c"]:
        both = network(
            jnp.concatenate([z, z]),
            jnp.concatenate([log_snr, log_snr]),
            jnp.concatenate([tokens, jnp.zeros_like(tokens)]),
        )
        conditional, unconditional = jnp.split(both, 2)
        return _guided(conditional, unconditional, log_snr, scale, interval)

    return guided


def autoguidance(
    network: Network, bad_network: Network, scale: float, interval: Interval = EVERYWHERE
) -> Network:
    """Away from a smaller or less trained network of the same prediction and caption.

    bad + scale (good - bad): scale 1 is the network itself (autoguidance, arXiv 2406.02507).
    """
    if scale == 1.0:
        return network

    def guided(
        z: Float[Array, "b h w c"], log_snr: Float[Array, " b"], tokens: Num[Array, "b t *e"]
    ) -> Float[Array, "b h w c"]:
        good, bad = network(z, log_snr, tokens), bad_network(z, log_snr, tokens)
        return _guided(good, bad, log_snr, scale, interval)

    return guided
