"""Least Huber loss on log residuals: variable projection for the starts, exact Newton to polish.

    minimise over theta   sum_i w_i huber_delta(log f(x_i; theta) - log y_i)

as in Hoffmann et al. 2022 (arXiv 2203.15556, eq. 3). The terms are summed, not averaged. Variables
are divided by their geometric means, so the answer scales with x and y exactly. Every function
works on a batch of problems at once (B = starts, or bootstrap replicates).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from analysis.laws import EXPONENT_BOUNDS, Law

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
START_EXPONENTS = {1: np.geomspace(0.02, 3.0, 24), 2: np.geomspace(0.05, 2.0, 6)}
SAME_OPTIMUM = 1e-6
"""Objectives within this relative distance are one optimum."""


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


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """The best optimum found and how it was found; `theta` is normalised, `parameters` natural."""

    theta: Array
    parameters: dict[str, float]
    objective: float
    gradient_norm: float
    starts: int
    share_at_best: float
    bounds_hit: tuple[str, ...]
    log_residuals: Array


def estimate(problem: Problem) -> Estimate:
    """Fit from every start of the exponent grid; the best is judged by value and gradient."""
    theta, scaled, gradient = polish(problem, starts(problem))
    best = int(np.argmin(scaled))
    slack = SAME_OPTIMUM * max(scaled[best], 1e-12)
    winner = theta[best]
    at_bound = (winner <= problem.lower) | (winner >= problem.upper)
    names = problem.law.parameters
    return Estimate(
        theta=winner,
        parameters=dict(zip(names, map(float, problem.natural(winner)), strict=True)),
        objective=float(scaled[best] * problem.delta**2 * problem.log_y.size),
        gradient_norm=float(np.linalg.norm(gradient[best])),
        starts=len(theta),
        share_at_best=float(np.mean(scaled <= scaled[best] + slack)),
        bounds_hit=tuple(name for name, hit in zip(names, at_bound, strict=True) if hit),
        log_residuals=problem.log_y - np.log(_terms(problem, winner[None]).sum(-1)[0]),
    )


def starts(problem: Problem) -> Array:
    """Theta [B, P] for each exponent of a grid, its coefficients by nonnegative least squares.

    For fixed exponents the law is linear in its coefficients (variable projection, Golub &
    Pereyra 1973); relative residuals (f - y) / y stand in for logarithmic ones.
    """
    grid = START_EXPONENTS[problem.power.size]
    exponents = np.array(list(product(grid, repeat=problem.power.size)))
    features = np.ones((len(exponents), *problem.log_x.shape))
    for j, k in enumerate(problem.power):
        features[:, :, k] = np.exp(-exponents[:, j, None] * problem.log_x[:, k])
    coefficients = nonnegative_least_squares(features / np.exp(problem.log_y)[:, None])
    theta = np.concatenate([coefficients, exponents], axis=1)
    theta[:, problem.power] = np.log(np.maximum(theta[:, problem.power], 1e-3))
    return theta


def nonnegative_least_squares(design: Array) -> Array:
    """Coefficients [B, K] >= 0 with design [B, n, K] @ c nearest to one.

    K is at most a handful: every set of positive coefficients is tried and the best that is
    feasible wins, which is exact (the optimum is the free solution on its own support).
    """
    batch, _, terms = design.shape
    gram = np.einsum("bni,bnj->bij", design, design)
    target = design.sum(axis=1)
    best, best_gain = np.zeros((batch, terms)), np.zeros(batch)
    for size in range(1, terms + 1):
        for support in map(list, combinations(range(terms), size)):
            sub = gram[:, support][:, :, support]
            ridge = 1e-12 * np.einsum("bii->b", sub)[:, None, None] * np.eye(size)
            solution = np.linalg.solve(sub + ridge, target[:, support, None])[..., 0]
            gain = np.einsum("bk,bk->b", solution, target[:, support])
            better = (solution >= 0).all(axis=1) & (gain > best_gain)
            best[better] = 0
            best[np.ix_(better, support)] = solution[better]
            best_gain[better] = gain[better]
    return best


def polish(
    problem: Problem,
    theta: Array,
    *,
    log_y: Array | None = None,
    weights: Array | None = None,
    tolerance: float = 1e-10,
    iterations: int = 300,
) -> tuple[Array, Array, Array]:
    """Damped projected Newton on B problems at once: theta [B, P], objective [B], gradient [B, P].

    `log_y` [B, n] and `weights` [B, n] default to the problem's own and to one. The objective is
    divided by delta^2 sum(w), which makes it of order one; so is its gradient, whose entries are
    zeroed at active bounds. An element stops when its gradient is below `tolerance` relative to
    max(1, objective), or when no step along its damped Newton directions lowers the objective.
    """
    batch = len(theta)
    log_y = np.broadcast_to(problem.log_y if log_y is None else log_y, (batch, problem.log_y.size))
    weights = np.ones_like(log_y) if weights is None else weights
    weights = weights / weights.sum(axis=1, keepdims=True)
    theta = np.clip(theta, problem.lower, problem.upper)
    value, gradient, newton, majorant = _derivatives(problem, theta, log_y, weights)
    damping = np.full(batch, 0.1)
    live = np.arange(batch)
    for _ in range(iterations):
        free = _free(problem, theta[live], gradient[live])
        steep = np.abs(gradient[live] * free).max(axis=1)
        keep = (steep > tolerance * np.maximum(1, value[live])) & (damping[live] < 1e10)
        live, free = live[keep], free[keep]
        if not live.size:
            break
        step = _step(gradient[live], newton[live], majorant[live], damping[live], free)
        trial = np.clip(theta[live] + np.clip(step, -2, 2), problem.lower, problem.upper)
        found = _derivatives(problem, trial, log_y[live], weights[live])
        lower = found[0] < value[live]
        damping[live] = np.where(lower, np.maximum(damping[live] / 8, 1e-9), damping[live] * 6)
        won = live[lower]
        theta[won] = trial[lower]
        value[won], gradient[won], newton[won], majorant[won] = (part[lower] for part in found)
    return theta, value, gradient * _free(problem, theta, gradient)


def _free(problem: Problem, theta: Array, gradient: Array) -> Mask:
    """Where a descent step stays inside the bounds."""
    blocked = ((theta <= problem.lower) & (gradient > 0)) | (
        (theta >= problem.upper) & (gradient < 0)
    )
    return ~blocked


def _step(gradient: Array, newton: Array, majorant: Array, damping: Array, free: Mask) -> Array:
    """Solve (H + damping M) s = -g on the free coordinates; uphill directions use M alone."""
    diagonal = np.einsum("bii->bi", majorant)
    floor = 1e-12 + 1e-9 * diagonal.max(axis=1, keepdims=True)
    ridge = (1e-4 * diagonal + floor)[..., None] * np.eye(gradient.shape[1])
    damped = damping[:, None, None] * (majorant + ridge)
    pair = free[:, :, None] & free[:, None, :]
    identity = np.eye(gradient.shape[1])

    def solve(matrix: Array) -> Array:
        return -np.linalg.solve(np.where(pair, matrix, identity), (gradient * free)[..., None])

    step = solve(newton + damped)[..., 0]
    uphill = np.einsum("bp,bp->b", step, gradient) >= 0
    if uphill.any():
        safe = solve((1 + damping)[:, None, None] * (majorant + ridge))[..., 0]
        step[uphill] = safe[uphill]
    return np.where(free, step, 0)


def _terms(problem: Problem, theta: Array) -> Array:
    """Each term's value [B, n, K] at theta [B, P]."""
    count = len(problem.law.terms)
    logs = np.repeat(theta[:, None, :count], len(problem.log_y), axis=1)
    for j, k in enumerate(problem.power):
        logs[:, :, k] -= theta[:, count + j, None] * problem.log_x[:, k]
        np.exp(logs[:, :, k], out=logs[:, :, k])
    return logs


def _derivatives(problem: Problem, theta: Array, log_y: Array, weights: Array):
    """Objective [B], gradient [B, P], Hessian and Gauss-Newton majorant [B, P, P], all exact.

    With terms t_k and f = sum t_k: d log f / d log c_k = t_k / f and d log f / d a_k =
    -log(x) t_k / f; the second derivative of f mixes a term's own coefficient and exponent only.
    """
    count = len(problem.law.terms)
    terms = _terms(problem, theta)
    total = terms.sum(axis=-1)
    share = terms / total[..., None]
    jacobian = np.empty((*total.shape, theta.shape[1]))
    for k, term in enumerate(problem.law.terms):
        jacobian[..., k] = share[..., k] if term.variable else 1 / total
    for j, k in enumerate(problem.power):
        jacobian[..., count + j] = -problem.log_x[:, k] * share[..., k]

    residual = (np.log(total) - log_y) / problem.delta
    size = np.abs(residual)
    inside = size <= 1
    value = (weights * np.where(inside, residual**2 / 2, size - 0.5)).sum(axis=1)
    slope = weights * np.clip(residual, -1, 1) / problem.delta
    curvature = weights * inside / problem.delta**2
    bound = weights / np.maximum(size, 1) / problem.delta**2  # >= curvature: huber's majorant

    gradient = np.einsum("bn,bnp->bp", slope, jacobian)
    across = jacobian.transpose(0, 2, 1)
    newton = across @ ((curvature - slope)[..., None] * jacobian)
    majorant = across @ (bound[..., None] * jacobian)
    for j, k in enumerate(problem.power):
        bent, log_x = slope * share[..., k], problem.log_x[:, k]
        newton[:, k, k] += bent.sum(axis=1)
        newton[:, count + j, count + j] += bent @ log_x**2
        mixed = bent @ log_x
        newton[:, k, count + j] -= mixed
        newton[:, count + j, k] -= mixed
    return value, gradient, newton, majorant
