"""Heun's method with EDM's churn (arXiv 2206.00364, algorithms 1 and 2)."""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float

from models.diffusion.predictions import Denoiser
from models.diffusion.process import Process, over_images
from models.diffusion.samplers.deterministic import drift
from models.diffusion.samplers.walk import Draw, last, needs, walk


def heun(
    process: Process,
    denoise: Denoiser,
    noise: Float[Array, "b *d"],
    levels: Float[Array, " steps"],
    draw: Draw | None = None,
    *,
    churn: float = 0.0,
    churn_log_snr_min: float | None = None,
    churn_log_snr_max: float | None = None,
    churn_noise: float = 1.0,
) -> Float[Array, "b *d"]:
    """Second order in the process's own time, two evaluations a step; EDM's in variance_exploding.

    With `churn` (S_churn) a step first adds noise, raising sigma / alpha by the factor 1 + gamma,
    gamma = min(churn / steps, sqrt(2) - 1), at levels between the two limits (-2 log S_tmax and
    -2 log S_tmin; None: no limit). `churn_noise` (S_noise) scales what is added. The noisiest
    step then starts below the first of `levels`.
    """
    low = -math.inf if churn_log_snr_min is None else churn_log_snr_min
    high = math.inf if churn_log_snr_max is None else churn_log_snr_max
    most = min(churn / len(levels), math.sqrt(2) - 1)

    def churned(z: Array, number: Array | int, level: Array) -> tuple[Array, Array]:
        if churn == 0:
            return z, level
        gamma = jnp.where((low <= level) & (level <= high), most, 0.0)
        noisier = level - 2 * jnp.log1p(gamma)
        kept = over_images(process.alpha(noisier) / process.alpha(level), z)
        added = process.sigma(noisier) * jnp.sqrt(-jnp.expm1(noisier - level))
        fresh = needs(draw)(jnp.asarray(number))
        return kept * z + churn_noise * over_images(added, z) * fresh, noisier

    def step(z: Array, memory: None, number: Array, level: Array, following: Array) -> tuple:
        z, level = churned(z, number, level)
        span = over_images(process.time(following) - process.time(level), z)
        slope = drift(process, denoise, z, level)
        ahead = drift(process, denoise, z + span * slope, following)
        return z + span * (slope + ahead) / 2, memory

    z = walk(step, process, noise, levels)
    return denoise(*churned(z, len(levels) - 1, last(levels, noise)))[0]
