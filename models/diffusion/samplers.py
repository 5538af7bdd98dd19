"""Samplers over a grid of log-SNR, from noise to image."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from models.diffusion.densities import Density
from models.diffusion.predictions import Denoiser
from models.diffusion.process import Process, diffuse


def log_snr_grid(density: Density, steps: int) -> Float[Array, " steps"]:
    """Rising levels at equal steps of the density's distribution, its ends included.

    With the cosine density these are the cosine schedule's uniform times.
    """
    return density.quantile(jnp.linspace(0.0, 1.0, steps))


def ddim(
    process: Process,
    denoise: Denoiser,
    noise: Float[Array, "b *d"],
    levels: Float[Array, " steps"],
) -> Float[Array, "b *d"]:
    """Deterministic DDIM (arXiv 2010.02502, Eq. 12 with eta = 0), one evaluation a level.

    Each step keeps the predicted noise and moves z to the next level; the last returns its x0.
    """
    batch = noise.shape[0]

    def step(z: Array, ends: tuple[Array, Array]) -> tuple[Array, None]:
        level, following = ends
        predicted = denoise(z, jnp.full((batch,), level))
        return diffuse(process, *predicted, jnp.full((batch,), following)), None

    first = process.sigma(levels[0]) * noise
    z, _ = jax.lax.scan(step, first, (levels[:-1], levels[1:]))
    x0, _ = denoise(z, jnp.full((batch,), levels[-1]))
    return x0
