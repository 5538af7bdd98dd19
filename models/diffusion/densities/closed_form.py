"""Published noise densities; each comment or docstring says from which schedule of t in [0, 1]."""

import math
from types import ModuleType

import jax.scipy.special
import numpy as np
import scipy.special

from models.diffusion.densities.density import Density, Values


def _special(x: Values) -> ModuleType:
    """scipy.special for numpy's numbers, jax's own for jax's."""
    return scipy.special if isinstance(x, np.ndarray | np.generic) else jax.scipy.special


def cosine(location: float = 0.0, scale: float = 1.0) -> Density:
    """p = (s / 2 pi) sech(s (lambda - m) / 2), from lambda = m + (2 / s) log cot(pi t / 2).

    arXiv 2102.09672; shifted by m (simple diffusion, arXiv 2301.11093) and scaled by s (Hang & Gu,
    arXiv 2407.03297).
    """

    def pdf(x: Values) -> Values:
        xp = x.__array_namespace__()
        return scale / (2 * math.pi * xp.cosh(scale * (x - location) / 2))

    def cdf(x: Values) -> Values:
        xp = x.__array_namespace__()
        return 2 / math.pi * xp.atan(xp.exp(scale * (x - location) / 2))

    def quantile(u: Values) -> Values:
        xp = u.__array_namespace__()
        return location + 2 / scale * xp.log(xp.tan(math.pi * u / 2))

    return Density(pdf=pdf, cdf=cdf, quantile=quantile)


def laplace(location: float = 0.0, scale: float = 0.5) -> Density:
    """p = exp(-|lambda - m| / b) / (2 b) (Hang & Gu, arXiv 2407.03297)."""

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


def cauchy(location: float = 0.0, scale: float = 0.5) -> Density:
    """p = g / (pi ((lambda - m)^2 + g^2)) (Hang & Gu, arXiv 2407.03297)."""

    def pdf(x: Values) -> Values:
        return scale / (math.pi * ((x - location) ** 2 + scale**2))

    def cdf(x: Values) -> Values:
        return 0.5 + x.__array_namespace__().atan((x - location) / scale) / math.pi

    def quantile(u: Values) -> Values:
        return location + scale * u.__array_namespace__().tan(math.pi * (u - 0.5))

    return Density(pdf=pdf, cdf=cdf, quantile=quantile)


def normal(location: float = 2.4, scale: float = 2.4) -> Density:
    """p = N(lambda; m, s^2): EDM's log sigma ~ N(-1.2, 1.2^2), as lambda = -2 log sigma.

    arXiv 2206.00364, table 1.
    """

    def pdf(x: Values) -> Values:
        z = (x - location) / scale
        return x.__array_namespace__().exp(-z * z / 2) / (scale * math.sqrt(2 * math.pi))

    def cdf(x: Values) -> Values:
        return _special(x).ndtr((x - location) / scale)

    def quantile(u: Values) -> Values:
        return location + scale * _special(u).ndtri(u)

    return Density(pdf=pdf, cdf=cdf, quantile=quantile)


def logit_normal(location: float = 0.0, scale: float = 1.0) -> Density:
    """Flow matching with logit t ~ N(m, s^2), lambda = -2 logit t (SD3, arXiv 2403.03206)."""
    return normal(-2 * location, 2 * scale)


def logistic(location: float = 0.0, scale: float = 2.0) -> Density:
    """p = sech^2((lambda - m) / 2 s) / (4 s): flow matching with uniform t, as lambda = -2 logit t.

    arXiv 2210.02747.
    """

    def pdf(x: Values) -> Values:
        return 1 / (4 * scale * x.__array_namespace__().cosh((x - location) / (2 * scale)) ** 2)

    def cdf(x: Values) -> Values:
        return _special(x).expit((x - location) / scale)

    def quantile(u: Values) -> Values:
        return location + scale * _special(u).logit(u)

    return Density(pdf=pdf, cdf=cdf, quantile=quantile)


def linear_beta(beta_min: float = 0.1, beta_max: float = 20.0) -> Density:
    """DDPM's linear beta: alpha^2 = exp(-B), B = beta_min t + (beta_max - beta_min) t^2 / 2.

    arXiv 2006.11239, in the limit of many steps (arXiv 2011.13456, Eq. 33). Levels end at t = 1.
    """
    rise = beta_max - beta_min

    def integral(x: Values) -> Values:
        return x.__array_namespace__().logaddexp(0 * x, -x)  # B = log(1 + exp(-lambda))

    def root(x: Values) -> Values:
        return x.__array_namespace__().sqrt(beta_min**2 + 2 * rise * integral(x))

    low = -math.log(math.expm1((beta_min + beta_max) / 2))

    def pdf(x: Values) -> Values:
        return x.__array_namespace__().where(x >= low, _special(x).expit(-x) / root(x), 0.0)

    def cdf(x: Values) -> Values:
        return x.__array_namespace__().clip(1 - (root(x) - beta_min) / rise, 0, 1)

    def quantile(u: Values) -> Values:
        t = 1 - u
        return -u.__array_namespace__().log(
            u.__array_namespace__().expm1(beta_min * t + rise * t**2 / 2)
        )

    return Density(pdf=pdf, cdf=cdf, quantile=quantile, low=low)


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
