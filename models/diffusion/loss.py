"""The denoising loss, never reduced over the batch."""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from models.diffusion.predictions import error_ratio, from_x0_and_noise
from models.diffusion.process import diffuse

Network = Callable[
    [Float[Array, "b h w c"], Float[Array, " b"], Int[Array, "b t"]], Float[Array, "b h w c"]
]
"""(z, log_snr, tokens) -> a prediction of the quantity that the network was trained on."""


def denoising_loss(
    network: Network,
    x0: Float[Array, "b h w c"],
    tokens: Int[Array, "b t"],
    noise: Float[Array, "b h w c"],
    log_snr: Float[Array, " b"],
    *,
    prediction: str,
    error: str,
) -> Float[Array, " b"]:
    """Mean squared error over an image's pixels and channels, in the units of `error` squared."""
    target = from_x0_and_noise(x0, noise, log_snr, prediction)
    output = network(diffuse(x0, noise, log_snr), log_snr, tokens)
    squared = jnp.mean(jnp.square(output - target), axis=tuple(range(1, x0.ndim)))
    return squared * error_ratio(prediction, error, log_snr)
