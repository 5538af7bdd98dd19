"""The data of a fit in normalised variables, and a law's terms on them.

Variables are divided by their geometric means, so the answer scales with x and y exactly. Every
function works on a batch of problems at once (B = starts, or bootstrap replicates).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from analysis.laws import EXPONENT_BOUNDS, Law

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Data of a fit in normalised variables; n points, K terms.

    `log_x` [n, K] is log(x / x_scale) of each term's variable (0 for a constant).
    """

    law: Law
    log_x: Array
    log_y: Array
    x_scale: Array
    y_scale: float
    delta: float

    @cached_property
    def lower(self) -> Array:
        """Bounds of theta: a constant is at least 0; other coefficients are logarithms."""
        coefficients = [-30.0 if term.variable else 0.0 for term in self.law.terms]
        return np.array(coefficients + [EXPONENT_BOUNDS[0]] * len(self.law.exponents))

    @cached_property
    def upper(self) -> Array:
        """See `lower`."""
        return np.array([30.0] * len(self.law.terms) + [EXPONENT_BOUNDS[1]] * self.power.size)

    @cached_property
    def power(self) -> NDArray[np.intp]:
        """Indices of the terms that have an exponent."""
        return np.flatnonzero([term.variable is not None for term in self.law.terms])

    def natural(self, theta: Array) -> Array:
        """Parameters [..., P] in the units of the data, from normalised theta [..., P]."""
        out = theta.copy()
        count = len(self.law.terms)
        for j, k in enumerate(self.power):
            exponent = theta[..., count + j]
            out[..., k] = np.exp(theta[..., k] + exponent * np.log(self.x_scale[k]))
        out[..., :count] *= self.y_scale
        return out


def problem(law: Law, variables: Mapping[str, Array], y: Array, delta: float) -> Problem:
    """Normalise positive variables [n] and values [n]."""
    columns = [
        np.log(variables[term.variable]) if term.variable else np.zeros_like(y)
        for term in law.terms
    ]
    centres = np.array([column.mean() for column in columns])
    log_y = np.log(y)
    return Problem(
        law=law,
        log_x=np.stack(columns, axis=1) - centres,
        log_y=log_y - log_y.mean(),
        x_scale=np.exp(centres),
        y_scale=float(np.exp(log_y.mean())),
        delta=delta,
    )


def terms(problem: Problem, theta: Array) -> Array:
    """Each term's value [B, K, n] at theta [B, P]."""
    count = len(problem.law.terms)
    values = np.repeat(theta[:, :count, None], len(problem.log_y), axis=2)
    for j, k in enumerate(problem.power):
        values[:, k] -= theta[:, count + j, None] * problem.log_x[:, k]
        np.exp(values[:, k], out=values[:, k])
    return values


def log_residuals(problem: Problem, theta: Array) -> Array:
    """log y minus the law's logarithm [n], at one theta [P]."""
    return problem.log_y - np.log(terms(problem, theta[None]).sum(axis=1)[0])
