"""Weightings of the squared error as functions of lambda, and what a density and a factor imply."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from models.diffusion.densities import Density
from models.diffusion.predictions import error_ratio
from models.diffusion.process import Process

Levels = Float[Array, "*s"]


@dataclass(frozen=True)
class Weighting:
    """A factor on the squared error of `quantity`; of whichever error is averaged where None."""

    factor: Callable[[Levels], Levels]
    quantity: str | None = None


def constant() -> Weighting:
    """Every noise level counts alike."""
    return Weighting(jnp.ones_like)


def min_snr(gamma: float = 5.0) -> Weighting:
    """min(SNR, gamma) on the x0-error (arXiv 2303.09556, Eq. 9)."""
    return Weighting(lambda log_snr: jnp.minimum(jnp.exp(log_snr), gamma), "x0")


def sigmoid(bias: float = 0.0) -> Weighting:
    """sigmoid(bias - lambda) on the epsilon-error (VDM++, arXiv 2303.00848, section 5)."""
    return Weighting(lambda log_snr: jax.nn.sigmoid(bias - log_snr), "epsilon")


WEIGHTINGS: dict[str, Callable[..., Weighting]] = {
    "constant": constant,
    "min_snr": min_snr,
    "sigmoid": sigmoid,
}


def on_error(process: Process, weighting: Weighting, error: str, log_snr: Levels) -> Levels:
    """The factor c(lambda) on the squared error of `error` that says the same as `weighting`."""
    quantity = weighting.quantity or error
    return weighting.factor(log_snr) * error_ratio(process, error, quantity, log_snr)


def implied(
    process: Process, density: Density, weighting: Weighting, error: str, log_snr: Levels
) -> Levels:
    """The w(lambda) of the epsilon-error that training with this density and factor minimises.

    w = p c err_error / err_epsilon, the measure of VDM++ Eq. 6 (arXiv 2303.00848).
    """
    factor = on_error(process, weighting, error, log_snr)
    return density.pdf(log_snr) * factor * error_ratio(process, "epsilon", error, log_snr)
