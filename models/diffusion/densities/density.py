"""A noise density p(lambda): where on the log-SNR axis noise levels are drawn.

On numpy or jax arrays alike: numpy's float64 for quadrature, jax inside a compiled step.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

Values = Float[Array | np.ndarray, "*s"] | np.floating
Function = Callable[[Any], Any]


@dataclass(frozen=True, kw_only=True)
class Density:
    """p(lambda) on [low, high], its integral from low, and the inverse of that."""

    pdf: Function
    cdf: Function
    quantile: Function
    low: float = -math.inf
    high: float = math.inf


def truncate(density: Density, low: float, high: float) -> Density:
    """The density restricted to [low, high] and scaled to integrate to one there."""
    below, above = (float(density.cdf(np.float64(edge))) for edge in (low, high))
    mass = above - below
    if not mass > 0:  # or it is not a number
        raise ValueError(f"the density has no mass between log-SNR {low} and {high}")

    def pdf(x: Values) -> Values:
        xp = x.__array_namespace__()
        return xp.where((x >= low) & (x <= high), density.pdf(x) / mass, 0.0)

    def cdf(x: Values) -> Values:
        return x.__array_namespace__().clip((density.cdf(x) - below) / mass, 0, 1)

    def quantile(u: Values) -> Values:
        xp = u.__array_namespace__()
        return xp.clip(density.quantile(below + mass * u), low, high)

    return Density(pdf=pdf, cdf=cdf, quantile=quantile, low=low, high=high)


def shift(density: Density, by: float) -> Density:
    """Every level higher by `by`: the density of lambda + by."""
    return Density(
        pdf=lambda x: density.pdf(x - by),
        cdf=lambda x: density.cdf(x - by),
        quantile=lambda u: density.quantile(u) + by,
        low=density.low + by,
        high=density.high + by,
    )


def resolution_shift(size: int, reference_size: int) -> float:
    """2 log(reference / size): by how much a level falls for an image to be as hidden.

    Averaging an image to 1 / r of its side divides the noise's variance by r^2 (simple diffusion,
    arXiv 2301.11093, Eq. 4).
    """
    return 2 * math.log(reference_size / size)


def independent(key: PRNGKeyArray, count: int) -> Float[Array, " count"]:
    """Uniform numbers that know nothing of one another."""
    return jax.random.uniform(key, (count,))


def stratified(key: PRNGKeyArray, count: int) -> Float[Array, " count"]:
    """(offset + i / count) mod 1: each is uniform, together they cover the unit interval evenly.

    VDM, arXiv 2107.00630, appendix I.1.
    """
    return (jax.random.uniform(key) + jnp.arange(count) / count) % 1.0


def antithetic(key: PRNGKeyArray, count: int) -> Float[Array, " count"]:
    """Pairs u, 1 - u; with an odd count the last stands alone."""
    half = jax.random.uniform(key, ((count + 1) // 2,))
    return jnp.stack([half, 1 - half], axis=1).reshape(-1)[:count]


UNIFORMS: dict[str, Callable[[PRNGKeyArray, int], Float[Array, " count"]]] = {
    "independent": independent,
    "stratified": stratified,
    "antithetic": antithetic,
}
"""Ways to draw `count` uniform numbers, whose quantiles are a batch's noise levels."""
