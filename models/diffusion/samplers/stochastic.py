"""Stochastic samplers: solvers of the reverse SDE, which add fresh noise at every step.

`draw` gives that noise (models/diffusion/samplers/walk.py: fresh_noise). r below is the ratio of
SNRs exp(level - following): the share of the noise's variance that a step keeps.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from models.diffusion.predictions import Denoiser
from models.diffusion.process import Process, diffuse, over_images
from models.diffusion.samplers.deterministic import extrapolated, nothing_before
from models.diffusion.samplers.walk import Draw, last, needs, walk


def ancestral(
    process: Process,
    denoise: Denoiser,
    noise: Float[Array, "b *d"],
    levels: Float[Array, " steps"],
    draw: Draw | None = None,
    *,
    eta: float = 1.0,
) -> Float[Array, "b *d"]:
    """DDPM: draw from q(z_s | z_t, x0) with the predicted x0 (arXiv 2006.11239, Eq. 6 and 7).

    In lambda (VDM, arXiv 2107.00630, appendix A) its variance is sigma_s^2 (1 - r), and its mean
    alpha_s x0 + sigma_s sqrt(r) noise. `eta` scales the deviation: 0 is DDIM (arXiv 2010.02502,
    Eq. 16). First order.
    """
    fresh = needs(draw)

    def step(z: Array, memory: None, number: Array, level: Array, following: Array) -> tuple:
        x0, predicted = denoise(z, level)
        share = over_images(-(eta**2) * jnp.expm1(level - following), z)
        mixed = jnp.sqrt(1 - share) * predicted + jnp.sqrt(share) * fresh(number)
        return diffuse(process, x0, mixed, following), memory

    return denoise(walk(step, process, noise, levels), last(levels, noise))[0]


def dpmpp_2m_sde(
    process: Process,
    denoise: Denoiser,
    noise: Float[Array, "b *d"],
    levels: Float[Array, " steps"],
    draw: Draw | None = None,
) -> Float[Array, "b *d"]:
    """SDE-DPM-Solver++(2M) (arXiv 2211.01095): the reverse SDE, exact but for x0.

    z_s = (alpha_s / alpha_t) r z_t + alpha_s (1 - r) x0 + sigma_s sqrt(1 - r) fresh noise, with x0
    extrapolated from the last two. Second order in the mean and the variance of Gaussian data;
    without the extrapolation it is `ancestral`.
    """
    fresh = needs(draw)

    def step(z: Array, memory: tuple, number: Array, level: Array, following: Array) -> tuple:
        before, previous = memory
        x0, _ = denoise(z, level)
        target = extrapolated(x0, before, (previous, level, following))
        new = -jnp.expm1(level - following)  # 1 - r
        kept = process.sigma(following) / process.sigma(level) * jnp.sqrt(1 - new)
        terms = (
            (kept, z),
            (process.alpha(following) * new, target),
            (process.sigma(following) * jnp.sqrt(new), fresh(number)),
        )
        return sum((over_images(scale, z) * part for scale, part in terms), 0 * z), (x0, level)

    z = walk(step, process, noise, levels, nothing_before(noise))
    return denoise(z, last(levels, noise))[0]
