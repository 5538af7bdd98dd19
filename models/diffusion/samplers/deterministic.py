"""Deterministic samplers: solvers of the probability-flow ODE.

Each visits every level once, denoises at the last and returns that x0, as if one more step led to
lambda = infinity.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from models.diffusion.predictions import Denoiser
from models.diffusion.process import Process, diffuse, over_images
from models.diffusion.samplers.walk import Draw, last, walk, walked


def ddim(
    process: Process,
    denoise: Denoiser,
    noise: Float[Array, "b *d"],
    levels: Float[Array, " steps"],
    _: Draw | None = None,
) -> Float[Array, "b *d"]:
    """Keep the predicted noise and move z to the next level (arXiv 2010.02502, Eq. 12, eta = 0).

    First order, and the same in every process.
    """

    def step(z: Array, _: Array, number: Array, level: Array, following: Array) -> tuple:
        x0, predicted = denoise(z, level)
        return diffuse(process, x0, predicted, following), x0

    # Denoising at the last level, too, is a step of the loop: a network takes long to compile.
    steps = jnp.append(levels, levels[-1])
    return walked(step, process, noise, steps, jnp.zeros_like(noise))[1]


def drift(
    process: Process, denoise: Denoiser, z: Float[Array, "b *d"], log_snr: Float[Array, " b"]
) -> Float[Array, "b *d"]:
    """dz/dt in the process's own time: alpha' x0 + sigma' noise (arXiv 2206.00364, Eq. 4).

    The straight paths' velocity in the linear process; the noise in the variance-exploding one.
    """
    alpha, sigma, time = (
        jax.jvp(function, (log_snr,), (jnp.ones_like(log_snr),))[1]
        for function in (process.alpha, process.sigma, process.time)
    )
    x0, noise = denoise(z, log_snr)
    return over_images(alpha / time, z) * x0 + over_images(sigma / time, z) * noise


def euler(
    process: Process,
    denoise: Denoiser,
    noise: Float[Array, "b *d"],
    levels: Float[Array, " steps"],
    _: Draw | None = None,
) -> Float[Array, "b *d"]:
    """Straight steps along dz/dt in the process's own time; first order."""

    def step(z: Array, memory: None, _: Array, level: Array, following: Array) -> tuple:
        span = over_images(process.time(following) - process.time(level), z)
        return z + span * drift(process, denoise, z, level), memory

    return denoise(walk(step, process, noise, levels), last(levels, noise))[0]


def extrapolated(
    x0: Float[Array, "b *d"],
    before: Float[Array, "b *d"],
    levels: tuple[Float[Array, " b"], Float[Array, " b"], Float[Array, " b"]],
) -> Float[Array, "b *d"]:
    """x0 midway to the next of `levels` (previous, present, next), on a line through the last two.

    (1 + 1 / 2r) x0 - before / 2r with r the ratio of the last step in lambda to the next
    (DPM-Solver++, arXiv 2211.01095, algorithm 2). A previous level of -infinity stands for none.
    """
    previous, level, following = levels
    weight = over_images((following - level) / (2 * (level - previous)), x0)
    return x0 + weight * (x0 - before)


def nothing_before(noise: Float[Array, "b *d"]) -> tuple[Array, Array]:
    """The memory of a multistep solver at its first step: no x0, at level -infinity."""
    return jnp.zeros_like(noise), jnp.full((len(noise),), -jnp.inf, noise.dtype)


def dpmpp_2m(
    process: Process,
    denoise: Denoiser,
    noise: Float[Array, "b *d"],
    levels: Float[Array, " steps"],
    _: Draw | None = None,
) -> Float[Array, "b *d"]:
    """DPM-Solver++(2M) (arXiv 2211.01095, algorithm 2): second order, one evaluation a step.

    Its lambda is half of ours. The first step is DDIM's.
    """

    def step(z: Array, memory: tuple, _: Array, level: Array, following: Array) -> tuple:
        before, previous = memory
        x0, _ = denoise(z, level)
        target = extrapolated(x0, before, (previous, level, following))
        kept = over_images(process.sigma(following) / process.sigma(level), z)
        gained = over_images(-process.alpha(following) * jnp.expm1((level - following) / 2), z)
        return kept * z + gained * target, (x0, level)

    z = walk(step, process, noise, levels, nothing_before(noise))
    return denoise(z, last(levels, noise))[0]
