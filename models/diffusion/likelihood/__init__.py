"""How probable a diffusion model finds an image: the variational bound, and the flow's density.

Both speak of the image with the noise of log-SNR `high` left in it, y = x + exp(-high / 2) noise,
and both start from a standard normal at `low` in the variance-preserving scale. A process only
scales z, so neither depends on it. For the best denoiser both are exact: the flow gives log q(y),
the bound -E log q(y), where q is the density of the data with that noise.
"""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

PIXEL_VALUES = 256
BIN_WIDTH = 2 / (PIXEL_VALUES - 1)
"""Between neighbouring 8-bit values in images scaled to [-1, 1]."""


def bits_per_dimension(
    nats: Float[Array, "*s"], dimensions: int, bin_width: float = 1.0
) -> Float[Array, "*s"]:
    """Nats an image as bits a dimension; of a density, as the probability of bins of that width."""
    return nats / (dimensions * math.log(2)) - math.log2(bin_width)


def dequantise(
    x0: Float[Array, "b *d"], keys: Key[Array, " b"], bin_width: float = BIN_WIDTH
) -> Float[Array, "b *d"]:
    """x0 moved to a uniformly random place of its bin, by each image's own key.

    The mean -log density there bounds the bins' -log probability from above (Theis et al., arXiv
    1511.01844, section 3.1).
    """
    uniform = jax.vmap(lambda key: jax.random.uniform(key, x0.shape[1:], x0.dtype, -0.5, 0.5))
    return x0 + bin_width * uniform(keys)


def signal_and_noise(log_snr: Float[Array, "*s"]) -> tuple[Array, Array]:
    """The variance-preserving scales a and b, a^2 + b^2 = 1, at this log-SNR."""
    return jnp.sqrt(jax.nn.sigmoid(log_snr)), jnp.sqrt(jax.nn.sigmoid(-log_snr))
