"""The denoising loss, never reduced over the batch."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Num

from models.diffusion.predictions import Network, error_ratio, from_x0_and_noise
from models.diffusion.process import Process, diffuse, over_images


def denoising_loss(
    process: Process,
    network: Network,
    x0: Float[Array, "b h w c"],
    tokens: Num[Array, "b t *e"],
    noise: Float[Array, "b h w c"],
    log_snr: Float[Array, " b"],
    *,
    prediction: str,
    error: str,
) -> Float[Array, " b"]:
    """Mean squared error over an image's pixels and channels, in the units of `error` squared."""
    target = from_x0_and_noise(process, x0, noise, log_snr, prediction)
    z = diffuse(process, x0, noise, log_snr)
    output = network(over_images(process.input_scale(log_snr), z) * z, log_snr, tokens)
    squared = jnp.mean(jnp.square(output - target), axis=tuple(range(1, x0.ndim)))
    return squared * error_ratio(process, prediction, error, log_snr)
