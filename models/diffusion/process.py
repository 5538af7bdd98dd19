"""The variance-preserving process, written in lambda = log-SNR = log(alpha^2 / sigma^2).

z = alpha x0 + sigma noise with alpha^2 = sigmoid(lambda) and sigma^2 = sigmoid(-lambda)
(VDM, arXiv 2107.00630, section 3).
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def alpha(log_snr: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """Scale of the image in z."""
    return jnp.sqrt(jax.nn.sigmoid(log_snr))


def sigma(log_snr: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """Scale of the noise in z."""
    return jnp.sqrt(jax.nn.sigmoid(-log_snr))


def over_images(values: Float[Array, " b"], images: Float[Array, "b *d"]) -> Float[Array, "b *_"]:
    """`values` with trailing axes of length one, to multiply each image by its own number."""
    return values.reshape(values.shape + (1,) * (images.ndim - values.ndim))


def diffuse(
    x0: Float[Array, "b *d"], noise: Float[Array, "b *d"], log_snr: Float[Array, " b"]
) -> Float[Array, "b *d"]:
    """The noisy image z at each example's own log-SNR."""
    return over_images(alpha(log_snr), x0) * x0 + over_images(sigma(log_snr), x0) * noise
