"""Noise densities p(lambda): where on the log-SNR axis training samples.

Each is a density with its distribution function and quantile, on numpy or jax arrays alike
(numpy's float64 for quadrature, jax for sampling inside a compiled step).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Array, Float

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


def cosine() -> Density:
    """p = sech(lambda/2) / (2 pi), from lambda = 2 log cot(pi t / 2) (arXiv 2102.09672)."""

    def pdf(x: Values) -> Values:
        return 1 / (2 * math.pi * x.__array_namespace__().cosh(x / 2))

    def cdf(x: Values) -> Values:
        xp = x.__array_namespace__()
        return 2 / math.pi * xp.atan(xp.exp(x / 2))

    def quantile(u: Values) -> Values:
        xp = u.__array_namespace__()
        return 2 * xp.log(xp.tan(math.pi * u / 2))

    return Density(pdf=pdf, cdf=cdf, quantile=quantile)


def laplace(location: float = 0.0, scale: float = 0.5) -> Density:
    """p = exp(-|lambda - location| / scale) / (2 scale) (Hang & Gu, arXiv 2407.03297)."""

    def pdf(x: Values) -> Values:
        xp = x.__array_namespace__()
        return xp.exp(-xp.abs(x - location) / scale) / (2 * scale)

    def cdf(x: Values) -> Values:
        xp = x.__array_namespace__()
        d = (x - location) / scale
        return 0.5 - 0.5 * xp.sign(d) * xp.expm1(-xp.abs(d))

    def quantile(u: Values) -> Values:
        xp = u.__array_namespace__()
        return location - scale * xp.sign(u - 0.5) * xp.log1p(-2 * xp.abs(u - 0.5))

    return Density(pdf=pdf, cdf=cdf, quantile=quantile)


def uniform(low: float, high: float) -> Density:
    """Every lambda in [low, high] alike."""

    def pdf(x: Values) -> Values:
        xp = x.__array_namespace__()
        return xp.where((x >= low) & (x <= high), 1 / (high - low), 0.0)

    def cdf(x: Values) -> Values:
        return x.__array_namespace__().clip((x - low) / (high - low), 0, 1)

    def quantile(u: Values) -> Values:
        return low + (high - low) * u

    return Density(pdf=pdf, cdf=cdf, quantile=quantile, low=low, high=high)


def truncate(density: Density, low: float, high: float) -> Density:
    """The density restricted to [low, high] and scaled to integrate to one there."""
    below, above = (float(density.cdf(np.float64(edge))) for edge in (low, high))
    mass = above - below
    if mass <= 0:
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


# Constructors by name; all but `uniform`, whose limits are its parameters, live on the whole line.
DENSITIES: dict[str, Callable[..., Density]] = {
    "cosine": cosine,
    "laplace": laplace,
    "uniform": uniform,
}


def bounded(name: str, low: float, high: float, **parameters: float) -> Density:
    """The named density on [low, high]; KeyError for an unknown name."""
    if name == "uniform":
        return uniform(low, high)
    return truncate(DENSITIES[name](**parameters), low, high)


def stratified(
    density: Density, offset: Float[Array, ""], positions: Float[Array, " b"]
) -> Float[Array, " b"]:
    """Low-variance samples: quantiles of (offset + position) mod 1 (VDM, arXiv 2107.00630, I.1).

    With positions i/b and an offset uniform in [0, 1), each sample has density p and the batch
    covers the axis evenly.
    """
    return density.quantile((offset + positions) % 1.0)
