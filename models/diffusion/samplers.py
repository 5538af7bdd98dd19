"""Samplers over a grid of log-SNR, from noise to image."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from models.diffusion.densities import Density
from models.diffusion.loss import Network
from models.diffusion.predictions import to_x0_and_noise
from models.diffusion.process import diffuse


def log_snr_grid(density: Density, steps: int) -> Float[Array, " steps"]:
    """Rising levels at equal steps of the density's distribution, its ends included.

    With the cosine density these are the cosine schedule's uniform times.
    """
    return density.quantile(jnp.linspace(0.0, 1.0, steps))


def ddim(
    network: Network,
    noise: Float[Array, "b h w c"],
    tokens: Int[Array, "b t"],
    levels: Float[Array, " steps"],
    *,
    prediction: str,
) -> Float[Array, "b h w c"]:
    """Deterministic DDIM (arXiv 2010.02502, Eq. 12 with eta = 0), one evaluation a level.

    Each step keeps the predicted noise and moves z to the next level; the last returns its x0.
    """
    batch = noise.shape[0]

    def predict(z: Array, level: Array) -> tuple[Array, Array]:
        log_snr = jnp.full((batch,), level)
        return to_x0_and_noise(network(z, log_snr, tokens), z, log_snr, prediction)

    def step(z: Array, ends: tuple[Array, Array]) -> tuple[Array, None]:
        level, following = ends
        return diffuse(*predict(z, level), jnp.full((batch,), following)), None

    z, _ = jax.lax.scan(step, noise, (levels[:-1], levels[1:]))
    x0, _ = predict(z, levels[-1])
    return x0
