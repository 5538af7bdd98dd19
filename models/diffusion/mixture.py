"""Gaussian mixtures under diffusion: the best possible denoiser and the density, in closed form.

x0 is drawn from one of K equally likely Gaussians N(mean_k, s^2 I), and z = alpha x0 + sigma noise
(models/diffusion/process.py), so z given k is N(alpha mean_k, v I) with v = alpha^2 s^2 + sigma^2.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from models.diffusion.process import Process, over_images

Scalar = float | Float[Array, ""]


def variance(
    process: Process, log_snr: Float[Array, " b"], deviation: Scalar
) -> Float[Array, " b"]:
    """Of z within a component: v = alpha^2 s^2 + sigma^2."""
    return process.alpha(log_snr) ** 2 * deviation**2 + process.sigma(log_snr) ** 2


def log_likelihoods(
    process: Process,
    z: Float[Array, "b *d"],
    log_snr: Float[Array, " b"],
    means: Float[Array, "k *d"],
    deviation: Scalar,
) -> Float[Array, "b k"]:
    """log N(z; alpha mean_k, v I) for each component."""
    flat, centres = z.reshape(len(z), -1), means.reshape(len(means), -1)
    v = variance(process, log_snr, deviation)[:, None]
    # The differences themselves: expanding the square would lose all digits at small v.
    apart = flat[:, None] - process.alpha(log_snr)[:, None, None] * centres
    return -jnp.sum(apart**2, -1) / (2 * v) - flat.shape[1] / 2 * jnp.log(2 * jnp.pi * v)


def log_density(
    process: Process,
    z: Float[Array, "b *d"],
    log_snr: Float[Array, " b"],
    means: Float[Array, "k *d"],
    deviation: Scalar,
) -> Float[Array, " b"]:
    """log q(z): the log of the mean of the components' likelihoods, in nats."""
    each = log_likelihoods(process, z, log_snr, means, deviation)
    return jax.nn.logsumexp(each, axis=1) - jnp.log(len(means))


def posterior_mean(
    process: Process,
    z: Float[Array, "b *d"],
    log_snr: Float[Array, " b"],
    means: Float[Array, "k *d"],
    deviation: Scalar,
) -> Float[Array, "b *d"]:
    """E[x0 | z]: no denoiser has a smaller mean squared error.

    = m + (alpha s^2 / v) (z - alpha m) = (sigma^2 m + alpha s^2 z) / v, with m the means averaged
    by the components' posterior probabilities.
    """
    probability = jax.nn.softmax(log_likelihoods(process, z, log_snr, means, deviation), axis=1)
    m = jnp.einsum("bk,k...->b...", probability, means, precision="highest")
    a, s2 = process.alpha(log_snr), process.sigma(log_snr) ** 2
    v = variance(process, log_snr, deviation)
    return over_images(s2 / v, z) * m + over_images(a * deviation**2 / v, z) * z


def gaussian_error(
    process: Process, log_snr: Float[Array, " b"], deviation: Scalar, dimensions: int
) -> Float[Array, " b"]:
    """E|x0 - E[x0|z]|^2 for a single Gaussian: d s^2 sigma^2 / v, the floor of any denoiser's loss.

    It is also a lower bound for a mixture, whose denoiser must guess the component besides.
    """
    return (
        dimensions
        * deviation**2
        * process.sigma(log_snr) ** 2
        / variance(process, log_snr, deviation)
    )
