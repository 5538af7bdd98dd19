"""Noise densities p(lambda), by name."""

from collections.abc import Callable

from models.diffusion.densities.closed_form import (
    cauchy,
    cosine,
    laplace,
    linear_beta,
    logistic,
    logit_normal,
    normal,
    uniform,
)
from models.diffusion.densities.density import (
    UNIFORMS,
    Density,
    resolution_shift,
    shift,
    truncate,
)
from models.diffusion.densities.tabulated import bin_of, tabulated

__all__ = [
    "DENSITIES",
    "UNIFORMS",
    "Density",
    "bin_of",
    "bounded",
    "cauchy",
    "cosine",
    "laplace",
    "linear_beta",
    "logistic",
    "logit_normal",
    "normal",
    "resolution_shift",
    "shift",
    "tabulated",
    "truncate",
    "uniform",
]

# Constructors by name; the limits of `uniform` are its parameters.
DENSITIES: dict[str, Callable[..., Density]] = {
    "cosine": cosine,
    "laplace": laplace,
    "cauchy": cauchy,
    "normal": normal,
    "logit_normal": logit_normal,
    "logistic": logistic,
    "linear_beta": linear_beta,
    "uniform": uniform,
}


def bounded(name: str, low: float, high: float, **parameters: float) -> Density:
    """The named density on [low, high]; KeyError for an unknown name."""
    if name == "uniform":
        return uniform(low, high)
    return truncate(DENSITIES[name](**parameters), low, high)
