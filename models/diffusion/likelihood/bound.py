"""The variational bound on -log p(x) and its three terms (VDM, arXiv 2107.00630, sections 3 to 5).

-log p(x) <= prior + reconstruction + diffusion, in nats. With the best denoiser the diffusion term
equals KL(q(z | x) || q(z)) at `high` less that at `low`, for every single x (the pointwise I-MMSE
relation: Kong et al., arXiv 2302.03792, section 2), which makes the bound exact but for the prior's
mismatch at `low`.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from models.diffusion.likelihood import BIN_WIDTH, PIXEL_VALUES, signal_and_noise
from models.diffusion.predictions import Denoiser
from models.diffusion.process import Process, diffuse


class Bound(NamedTuple):
    """The three terms for each image, in nats."""

    prior: Float[Array, " b"]
    diffusion: Float[Array, " b"]
    reconstruction: Float[Array, " b"]

    @property
    def total(self) -> Float[Array, " b"]:
        """The bound on -log p(x)."""
        return self.prior + self.diffusion + self.reconstruction


def prior(x0: Float[Array, "b *d"], low: float) -> Float[Array, " b"]:
    """KL(q(z | x) || N(0, I)) at log-SNR `low`, z variance preserving: N(a x, b^2 I)."""
    a, b = signal_and_noise(jnp.asarray(low, x0.dtype))
    each = (a**2 * (x0**2 - 1)) / 2 - jnp.log(b)  # b^2 - 1 = -a^2
    return each.reshape(len(x0), -1).sum(axis=1)


def diffusion(
    process: Process,
    denoise: Denoiser,
    x0: Float[Array, "b *d"],
    keys: Key[Array, " b"],
    *,
    low: float,
    high: float,
    levels: int,
) -> Float[Array, " b"]:
    """1/2 int E|noise - its prediction|^2 dlambda from low to high (VDM Eq. 17 in lambda).

    Unbiased: each image has one level at a random place of each of `levels` equal strata, and
    fresh noise there; all random numbers come from the image's key.
    """

    def at_level(index: Array) -> Float[Array, " b"]:
        def draw(key: Array) -> tuple[Array, Array]:
            place, noise = jax.random.split(jax.random.fold_in(key, index))
            return (
                jax.random.uniform(place, (), x0.dtype),
                jax.random.normal(noise, x0.shape[1:], x0.dtype),
            )

        place, noise = jax.vmap(draw)(keys)
        log_snr = low + (high - low) * (index + place) / levels
        _, predicted = denoise(diffuse(process, x0, noise, log_snr), log_snr)
        return jnp.sum((noise - predicted).reshape(len(x0), -1) ** 2, axis=1)

    squared = jax.lax.map(at_level, jnp.arange(levels))
    return (high - low) / 2 * jnp.mean(squared, axis=0)


def continuous_reconstruction(x0: Float[Array, "b *d"], high: float) -> Float[Array, " b"]:
    """-E log N(x; y, s^2 I), s^2 = exp(-high): in closed form, the same for every image."""
    dimensions = math.prod(x0.shape[1:])
    return jnp.full(len(x0), dimensions / 2 * (math.log(2 * math.pi) + 1 - high), x0.dtype)


def discrete_reconstruction(
    x0: Float[Array, "b *d"], keys: Key[Array, " b"], high: float
) -> Float[Array, " b"]:
    """-E log p(x | z), one draw of z, for 8-bit values scaled to [-1, 1].

    The decoder is VDM's discretised Gaussian: p(x_i | z_i) is proportional to q(z_i | x_i) over
    the 256 values that x_i may take (section 3.3).
    """
    values = -1 + BIN_WIDTH * jnp.arange(PIXEL_VALUES, dtype=x0.dtype)
    deviation = math.exp(-high / 2)

    def one(inputs: tuple[Array, Array]) -> Float[Array, ""]:
        image, key = inputs
        noise = jax.random.normal(key, image.shape, image.dtype)
        distance = (image + deviation * noise)[..., None] - values
        normaliser = jax.nn.logsumexp(-((distance / deviation) ** 2) / 2, axis=-1)
        return jnp.sum(normaliser + noise**2 / 2)

    return jax.lax.map(one, (x0, keys))


def variational_bound(
    process: Process,
    denoise: Denoiser,
    x0: Float[Array, "b *d"],
    keys: Key[Array, " b"],
    *,
    low: float,
    high: float,
    levels: int,
    discrete: bool,
) -> Bound:
    """All three terms; `discrete` for 8-bit values scaled to [-1, 1], otherwise of a density."""
    return Bound(
        prior(x0, low),
        diffusion(process, denoise, x0, keys, low=low, high=high, levels=levels),
        # Folded with a number that no level has.
        discrete_reconstruction(x0, jax.vmap(jax.random.fold_in, (0, None))(keys, levels), high)
        if discrete
        else continuous_reconstruction(x0, high),
    )
