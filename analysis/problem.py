"""The data of fits in normalised variables, and a law's terms on them.

Variables are divided by their geometric means, so the answer scales with x and y exactly. Every
function works on B problems of one law at once: several fits, their starts or their replicates.
Problems are the data's last axis, along which numpy is fastest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analysis.laws import EXPONENT_BOUNDS, Law

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Indices = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class Problems:
    """Data of B fits of one law in normalised variables; n points, K terms.

    `log_x` [K, n, B] is log(x / x_scale) of each term's variable (0 for a constant), `log_y`
    [n, B] log(y / y_scale). A problem's `weights` [n, B] sum to one; points of weight 0 fill up
    the shorter ones. `x_scale` is [K, B], `y_scale` [B] and Huber's `delta` [B].
    """

    law: Law
    log_x: Array
    log_y: Array
    weights: Array
    x_scale: Array
    y_scale: Array
    delta: Array

    def __len__(self) -> int:
        return len(self.delta)

    @property
    def real(self) -> Mask:
        """Which points [B, n] are data and do not just fill up."""
        return self.weights.T > 0

    def take(self, rows: Indices | Mask | slice) -> "Problems":
        """The problems of these indices, repeated where those are, or of a mask."""
        return replace(
            self,
            log_x=self.log_x[..., rows],
            log_y=self.log_y[:, rows],
            weights=self.weights[:, rows],
            x_scale=self.x_scale[:, rows],
            y_scale=self.y_scale[rows],
            delta=self.delta[rows],
        )

    def natural(self, theta: Array) -> Array:
        """Parameters [B, P] in the units of the data, from normalised theta [B, P]."""
        out = theta.copy()
        count = len(self.law.terms)
        for j, k in enumerate(self.law.powers):
            exponent = theta[:, count + j]
            out[:, k] = np.exp(theta[:, k] + exponent * np.log(self.x_scale[k]))
        out[:, :count] *= self.y_scale[:, None]
        return out


def pose(law: Law, variables: Mapping[str, Array], y: Array, delta: float) -> Problems:
    """Normalise positive variables [n] and values [n]: one problem."""
    columns = np.stack(
        [
            np.log(variables[term.variable]) if term.variable else np.zeros_like(y)
            for term in law.terms
        ]
    )
    centres = columns.mean(axis=1, keepdims=True)
    log_y = np.log(y)
    return Problems(
        law=law,
        log_x=(columns - centres)[..., None],
        log_y=(log_y - log_y.mean())[:, None],
        weights=np.full((y.size, 1), 1 / y.size),
        x_scale=np.exp(centres),
        y_scale=np.exp(log_y.mean(keepdims=True)),
        delta=np.array([delta]),
    )


def stack(problems: Sequence[Problems]) -> Problems:
    """Problems of one law together, filled up to as many points as the longest has."""
    return Problems(
        law=problems[0].law,
        log_x=side_by_side([part.log_x for part in problems]),
        log_y=side_by_side([part.log_y for part in problems]),
        weights=side_by_side([part.weights for part in problems]),
        x_scale=np.concatenate([part.x_scale for part in problems], axis=1),
        y_scale=np.concatenate([part.y_scale for part in problems]),
        delta=np.concatenate([part.delta for part in problems]),
    )


def side_by_side(parts: Sequence[Array]) -> Array:
    """Arrays [..., m, b] along their last axis, filled up with zeros to the largest m."""
    longest = max(part.shape[-2] for part in parts)
    total = sum(part.shape[-1] for part in parts)
    out, start = np.zeros((*parts[0].shape[:-2], longest, total)), 0
    for part in parts:
        points, problems = part.shape[-2:]
        out[..., :points, start : start + problems] = part
        start += problems
    return out


def bounds(law: Law) -> tuple[Array, Array]:
    """Lowest and highest theta [P]: a constant is at least 0; other coefficients are logarithms."""
    coefficients = [-30.0 if term.variable else 0.0 for term in law.terms]
    exponents = len(law.exponents)
    return (
        np.array(coefficients + [EXPONENT_BOUNDS[0]] * exponents),
        np.array([30.0] * len(law.terms) + [EXPONENT_BOUNDS[1]] * exponents),
    )


def terms(problems: Problems, theta: Array) -> Array:
    """Each term's value [K, n, B] at theta [B, P]."""
    count, n = len(problems.law.terms), len(problems.log_y)
    values = np.repeat(theta.T[:count, None], n, axis=1)
    for j, k in enumerate(problems.law.powers):
        values[k] -= theta[:, count + j] * problems.log_x[k]
        np.exp(values[k], out=values[k])
    return values


def log_residuals(problems: Problems, theta: Array) -> Array:
    """log y minus the law's logarithm [B, n], at theta [B, P]; 0 where a problem has no point."""
    residuals = problems.log_y - np.log(terms(problems, theta).sum(axis=0))
    return np.where(problems.real, residuals.T, 0)
