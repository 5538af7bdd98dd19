"""The best size and steps at a budget by the joint law itself, in closed form.

Hoffmann et al. 2022, arXiv 2203.15556, eq. 4 (Approach 3): with L = E + A N^-alpha + B S^-beta and
C = k N S, N* = G (C/k)^a and S* = (C/k)^b / G, where a = beta / (alpha + beta), b = 1 - a and
G = (alpha A / (beta B))^(1 / (alpha + beta)).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.scale.band import Array, Band, PowerLaw, band
from analysis.uncertainty.bootstrap import Replicates


def best_size(p: Mapping[str, ArrayLike], flops: ArrayLike, k: float) -> Array:
    """N*, for parameters that broadcast against budgets."""
    alpha, beta = np.asarray(p["alpha"], float), np.asarray(p["beta"], float)
    log_g = np.log(alpha * np.asarray(p["A"]) / (beta * np.asarray(p["B"]))) / (alpha + beta)
    share = beta / (alpha + beta)
    return np.asarray(np.exp(log_g + share * np.log(np.asarray(flops, float) / k)), float)


def best_steps(p: Mapping[str, ArrayLike], flops: ArrayLike, k: float) -> Array:
    """S*, or D* where the law is in data."""
    return np.asarray(flops, float) / (k * best_size(p, flops, k))


@dataclass(frozen=True, kw_only=True)
class Allocation:
    """Approach 3: `a` and `b` of N* ~ C^a and S* ~ C^b, and both laws, with intervals."""

    k: float
    a: Band
    b: Band
    size_law: PowerLaw
    steps_law: PowerLaw
    confidence: float

    def sentence(self) -> str:
        """How to spend ten times the compute."""
        grow = 10**self.a.value
        return (
            f"By the joint law the best size grows as C^{self.a} and the steps as C^{self.b}: "
            f"ten times the compute pays for {grow:.2g} times the parameters."
        )


def approach3(
    parameters: Mapping[str, float],
    replicates: Replicates | None,
    k: float,
    confidence: float = 0.95,
    middle: float | None = None,
) -> Allocation:
    """The allocation of a fitted joint law, with the interval of its bootstrap over runs.

    `middle` is any budget at which the lines are written down; k by default.
    """
    for name in ("A", "B", "alpha", "beta"):
        if name not in parameters:
            raise ValueError(f"the closed form needs the joint law; this one has no {name}")
    drawn = None if replicates is None else replicates.named
    share = _share(parameters)
    shares = None if drawn is None else _share(drawn)
    laws = []
    at = middle or k
    for name, of, sign in (("N*", best_size, 1), ("S*", best_steps, -1)):
        own, others = of(parameters, 1.0, k), None if drawn is None else of(drawn, 1.0, k)
        rise = share if sign > 0 else 1 - share
        rises = None if shares is None else shares if sign > 0 else 1 - shares
        laws.append(
            PowerLaw(
                y=name,
                x="C",
                coefficient=band(float(own), others, confidence),
                exponent=band(float(rise), rises, confidence),
                middle=at,
                at_middle=float(of(parameters, at, k)),
            )
        )
    size_law, steps_law = laws
    return Allocation(
        k=k,
        a=size_law.exponent,
        b=steps_law.exponent,
        size_law=size_law,
        steps_law=steps_law,
        confidence=confidence,
    )


def _share(p: Mapping[str, ArrayLike]) -> Array:
    alpha, beta = np.asarray(p["alpha"], float), np.asarray(p["beta"], float)
    return np.asarray(beta / (alpha + beta), float)
