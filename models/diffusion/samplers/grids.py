"""Grids of log-SNR for samplers: `steps` rising levels, from the noisiest to the cleanest."""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float

from models.diffusion.densities import Density
from models.diffusion.process import Process

Grid = Callable[..., Float[Array, " steps"]]
"""(process, low, high, steps, **parameters) -> levels from low to high."""


def quantiles(
    process: Process, low: float, high: float, steps: int, *, density: Density
) -> Float[Array, " steps"]:
    """Equal steps of the distribution function of a density on [low, high].

    With the cosine density these are the cosine schedule's uniform times.
    """
    return jnp.clip(density.quantile(jnp.linspace(0.0, 1.0, steps)), low, high)


def uniform(process: Process, low: float, high: float, steps: int) -> Float[Array, " steps"]:
    """Equal steps of lambda (DPM-Solver, arXiv 2206.00927)."""
    return jnp.linspace(low, high, steps)


def time(process: Process, low: float, high: float, steps: int) -> Float[Array, " steps"]:
    """Equal steps of the process's own time."""
    first, last = process.time(jnp.asarray(low)), process.time(jnp.asarray(high))
    return process.log_snr(jnp.linspace(first, last, steps))


def power(
    process: Process, low: float, high: float, steps: int, *, rho: float = 7.0
) -> Float[Array, " steps"]:
    """Equal steps of sigma^(1 / rho), sigma = exp(-lambda / 2) (EDM, arXiv 2206.00364, Eq. 5)."""
    first, last = (jnp.exp(-jnp.asarray(end) / (2 * rho)) for end in (low, high))
    return -2 * rho * jnp.log(jnp.linspace(first, last, steps))


GRIDS: dict[str, Grid] = {
    "quantiles": quantiles,
    "uniform": uniform,
    "time": time,
    "power": power,
}
