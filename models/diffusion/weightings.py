"""Weightings of the squared error as functions of lambda: factors c, and whole weightings w.

What trains is a density p and a factor c on a chosen error. Together they imply the weighting of
the epsilon-error that the loss minimises, the measure of VDM++ (arXiv 2303.00848, section 3.2):

    L_w = 1/2 int w(lambda) E|epsilon - prediction|^2 d lambda,    w = p c err / epsilon-err.

A factor may be named (FACTORS), or be whatever makes the implied weighting a named one (IMPLIED)
under the density at hand.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from models.diffusion.densities import Density
from models.diffusion.predictions import error_ratio
from models.diffusion.process import Process

Levels = Float[Array, "*s"]
Function = Callable[[Levels], Levels]


@dataclass(frozen=True)
class Weighting:
    """A factor on the squared error of `quantity`; of whichever error is averaged where None."""

    factor: Function
    quantity: str | None = None


def constant() -> Weighting:
    """Every noise level counts as often as it is drawn."""
    return Weighting(jnp.ones_like)


def min_snr(gamma: float = 5.0) -> Weighting:
    """min(SNR, gamma) on the x0-error (arXiv 2303.09556, section 3.4)."""
    return Weighting(lambda log_snr: jnp.minimum(jnp.exp(log_snr), gamma), "x0")


def soft_min_snr(gamma: float = 5.0) -> Weighting:
    """SNR gamma / (SNR + gamma) on the x0-error: min-SNR without its corner.

    With gamma = 4 the form of HDiT (arXiv 2401.11605, appendix C).
    """
    return Weighting(lambda log_snr: gamma * jax.nn.sigmoid(log_snr - jnp.log(gamma)), "x0")


def p2(gamma: float = 1.0, k: float = 1.0) -> Weighting:
    """(k + SNR)^-gamma on the epsilon-error (P2, arXiv 2204.00227)."""
    return Weighting(lambda log_snr: (k + jnp.exp(log_snr)) ** -gamma, "epsilon")


def sigmoid(bias: float = 0.0) -> Weighting:
    """sigmoid(bias - lambda) on the epsilon-error (VDM++, arXiv 2303.00848, section 5)."""
    return Weighting(lambda log_snr: jax.nn.sigmoid(bias - log_snr), "epsilon")


def edm(data_deviation: float = 0.5) -> Weighting:
    """(s^2 + d^2) / (s d)^2 on the x0-error at noise s = exp(-lambda / 2): EDM's.

    Equally: one on the error of its preconditioned target (arXiv 2206.00364, table 1).
    """
    return Weighting(lambda log_snr: jnp.exp(log_snr) + data_deviation**-2, "x0")


def table(
    log_snr: Sequence[float], values: Sequence[float], quantity: str = "epsilon"
) -> Weighting:
    """The user's own numbers on the error of `quantity`, linear in between, constant outside."""
    nodes, heights = jnp.asarray(log_snr), jnp.asarray(values)
    return Weighting(lambda level: jnp.interp(level, nodes, heights), quantity)


FACTORS: dict[str, Callable[..., Weighting]] = {
    "constant": constant,
    "min_snr": min_snr,
    "soft_min_snr": soft_min_snr,
    "p2": p2,
    "sigmoid": sigmoid,
    "edm": edm,
    "table": table,
}


def _sech(x: Levels) -> Levels:
    return 1 / jnp.cosh(x)


def _edm_implied(
    location: float = 2.4, scale: float = 2.4, data_deviation: float = 0.5
) -> Function:
    """N(lambda; m, s^2) (exp(-lambda) + d^2) (arXiv 2303.00848, table 1)."""

    def w(log_snr: Levels) -> Levels:
        z = (log_snr - location) / scale
        return jnp.exp(-z * z / 2) * (jnp.exp(-log_snr) + data_deviation**2)

    return w


def _edm_monotonic(
    location: float = 2.4, scale: float = 2.4, data_deviation: float = 0.5
) -> Function:
    """EDM's, held at its largest value for all noisier levels (arXiv 2303.00848, section 5)."""
    wavy = _edm_implied(location, scale, data_deviation)
    levels = np.linspace(-30.0, 30.0, 60_001)
    peak = float(levels[np.argmax(np.asarray(wavy(jnp.asarray(levels))))])
    return lambda log_snr: wavy(jnp.maximum(log_snr, peak))


# w(lambda) of the epsilon-error, up to scale: rows of VDM++ (arXiv 2303.00848, table 1), and more.
IMPLIED: dict[str, Callable[..., Function]] = {
    "elbo": lambda: jnp.ones_like,
    "epsilon": lambda: lambda log_snr: _sech(log_snr / 2),
    "x0": lambda: lambda log_snr: jnp.exp(-log_snr) * _sech(log_snr / 2),
    "v": lambda: lambda log_snr: jnp.exp(-log_snr / 2),
    "flow_matching": lambda: lambda log_snr: jnp.exp(-log_snr / 2),
    "indi": lambda: lambda log_snr: jnp.exp(-log_snr) * _sech(log_snr / 4) ** 2,
    "edm": _edm_implied,
    "edm_monotonic": _edm_monotonic,
    "min_snr": lambda gamma=5.0: (
        lambda log_snr: _sech(log_snr / 2) * jnp.minimum(1, gamma * jnp.exp(-log_snr))
    ),
    "soft_min_snr": lambda gamma=5.0: (
        lambda log_snr: _sech(log_snr / 2) * jax.nn.sigmoid(jnp.log(gamma) - log_snr)
    ),
    "p2": lambda gamma=1.0, k=1.0: (
        lambda log_snr: _sech(log_snr / 2) * (k + jnp.exp(log_snr)) ** -gamma
    ),
    "sigmoid": lambda bias=0.0: lambda log_snr: jax.nn.sigmoid(bias - log_snr),
    "table": lambda log_snr, values: table(log_snr, values).factor,
}


def on_error(process: Process, weighting: Weighting, error: str, log_snr: Levels) -> Levels:
    """The factor c(lambda) on the squared error of `error` that says the same as `weighting`."""
    quantity = weighting.quantity or error
    return weighting.factor(log_snr) * error_ratio(process, error, quantity, log_snr)


def implied(
    process: Process, density: Density, weighting: Weighting, error: str, log_snr: Levels
) -> Levels:
    """The w(lambda) of the epsilon-error that training with this density and factor minimises."""
    factor = on_error(process, weighting, error, log_snr)
    return density.pdf(log_snr) * factor * error_ratio(process, "epsilon", error, log_snr)


def whole(process: Process, w: Function, error: str, low: float, high: float) -> Function:
    """w of the epsilon-error as a function g(lambda) on `error`, its integral over [low, high] one.

    A density p with the factor g / p trains on w whatever p is, and that factor averages one.
    """

    def on_chosen(log_snr: Levels) -> Levels:
        return w(log_snr) * error_ratio(process, error, "epsilon", log_snr)

    levels = np.linspace(low, high, 20_001)
    total = float(np.trapezoid(np.asarray(on_chosen(jnp.asarray(levels))), levels))
    if not 0 < total < float("inf"):
        raise ValueError(f"the weighting integrates to {total} between log-SNR {low} and {high}")
    return lambda log_snr: on_chosen(log_snr) / total


def monotone(w: Float[np.ndarray, " k"], tolerance: float = 1e-5) -> bool:
    """Whether w on rising levels never rises: then L_w is a likelihood bound of noisy copies.

    VDM++ (arXiv 2303.00848, theorem 1): maximum likelihood with noise as augmentation. Each value
    may lie above the least before it by `tolerance` of that least, which rounding in float32
    explains, whatever w is elsewhere: it may span many decades.
    """
    least = np.minimum.accumulate(w)
    return bool((w <= (1 + tolerance) * least + np.finfo(np.float32).tiny * np.max(w)).all())
