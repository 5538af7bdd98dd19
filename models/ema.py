"""Power-function averages of the weights (Karras et al., "EDM2", arXiv 2312.02696, section 3)."""

import math
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float


def exponent(sigma_rel: float) -> float:
    """gamma of the profile whose relative width is sigma_rel (Eq. 126: a cubic with one root)."""
    t = 1 / sigma_rel**2
    roots = np.roots([1, 7, 16 - t, 12 - t])
    return float(max(roots.real))


def decay(step: Float[Array, ""], sigma_rel: float) -> Float[Array, ""]:
    """beta_t = (1 - 1/t)^(gamma + 1) after t steps (Eq. 127); zero at the first."""
    return (1 - 1 / step) ** (exponent(sigma_rel) + 1)


def update(average: Any, parameters: Any, step: Float[Array, ""], sigma_rel: float) -> Any:
    """The average after `step` steps (counted from one), of any tree of arrays."""
    beta = decay(step, sigma_rel)
    return jax.tree.map(lambda a, p: p + beta * (a - p), average, parameters)


def update_all(
    averages: Mapping[str, Any],
    parameters: Any,
    step: Float[Array, ""],
    widths: Mapping[str, float],
) -> dict[str, Any]:
    """Every average of `widths` (name to sigma_rel) moved on by one step."""
    return {name: update(averages[name], parameters, step, w) for name, w in widths.items()}


def half_life(step: float, sigma_rel: float) -> float:
    """Half of the average's mass lies in the last t (1 - 2^(-1/(gamma + 1))) steps before t."""
    return step * (1 - math.pow(0.5, 1 / (exponent(sigma_rel) + 1)))
