"""Operations that preserve magnitude, the root of the mean square (arXiv 2312.02696).

The mean is over channels and, in expectation, over examples: what goes in at one comes out at one.
"""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

EPSILON = 1e-4
TINY = 1e-20  # keeps the root's slope finite at zero, far below EPSILON squared


def normalise(x: Float[Array, "*s"], axes: tuple[int, ...]) -> Float[Array, "*s"]:
    """x over its magnitude along `axes`, computed in float32 (the root in Eq. 47 and 66)."""
    square = jnp.mean(jnp.square(x.astype(jnp.float32)), axis=axes, keepdims=True)
    return (x / (EPSILON + jnp.sqrt(square + TINY))).astype(x.dtype)


def silu(x: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """SiLU over its magnitude on normal numbers (Eq. 81)."""
    return jax.nn.silu(x) / 0.596


def add(a: Float[Array, "*s"], b: Float[Array, "*s"], balance: float) -> Float[Array, "*s"]:
    """Sum of which b has the share `balance` (Eq. 88)."""
    return ((1 - balance) * a + balance * b) / math.hypot(1 - balance, balance)


def concatenate(
    a: Float[Array, "*s m"], b: Float[Array, "*s n"], balance: float
) -> Float[Array, "*s _"]:
    """Channels of both, b's contributing the share `balance` to what comes after (Eq. 103)."""
    m, n = a.shape[-1], b.shape[-1]
    scale = math.sqrt(m + n) / math.hypot(1 - balance, balance)
    parts = [a * (scale * (1 - balance) / math.sqrt(m)), b * (scale * balance / math.sqrt(n))]
    return jnp.concatenate(parts, axis=-1)


def fourier(
    x: Float[Array, " b"], frequencies: Float[Array, " f"], phases: Float[Array, " f"]
) -> Float[Array, "b f"]:
    """Random features, cosines of magnitude one (Eq. 75)."""
    return math.sqrt(2) * jnp.cos(x[:, None] * frequencies + phases)


def convolve(
    x: Float[Array, "b h w i"], kernel: Float[Array, "k k i o"]
) -> Float[Array, "b h w o"]:
    """Convolution with zeros around the image."""
    return jax.lax.conv_general_dilated(
        x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def halve(x: Float[Array, "b h w c"]) -> Float[Array, "b h/2 w/2 c"]:
    """Means of 2 x 2 pixels."""
    b, h, w, c = x.shape
    return jnp.mean(x.reshape(b, h // 2, 2, w // 2, 2, c), axis=(2, 4))


def double(x: Float[Array, "b h w c"]) -> Float[Array, "b 2*h 2*w c"]:
    """Each pixel four times."""
    b, h, w, c = x.shape
    spread = jnp.broadcast_to(x[:, :, None, :, None], (b, h, 2, w, 2, c))
    return spread.reshape(b, 2 * h, 2 * w, c)
