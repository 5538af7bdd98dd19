"""Damped projected Newton on the Huber loss of log residuals, for many problems at once.

    minimise over theta   sum_i w_i huber_delta(log f(x_i; theta) - log y_i)

as in Hoffmann et al. 2022 (arXiv 2203.15556, eq. 3). The terms are summed, not averaged.
"""

import numpy as np
from numpy.typing import NDArray

from analysis.problem import Array, Problem, terms

Mask = NDArray[np.bool_]


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
    log_y, weights = _rows(problem, len(theta), log_y, weights)
    theta = np.clip(theta, problem.lower, problem.upper)
    value, gradient, newton, majorant = _derivatives(problem, theta, log_y, weights)
    damping = np.full(len(theta), 0.1)
    live = np.arange(len(theta))
    for _ in range(iterations):
        free = _free(problem, theta[live], gradient[live])
        steep = np.abs(gradient[live] * free).max(axis=1)
        keep = (steep > tolerance * np.maximum(1, value[live])) & (damping[live] < 1e10)
        live, free = live[keep], free[keep]
        if not live.size:
            break
        step = _step(
            problem,
            theta[live],
            gradient[live],
            newton[live],
            majorant[live],
            damping[live],
            free,
        )
        trial = np.clip(theta[live] + np.clip(step, -2, 2), problem.lower, problem.upper)
        found = _derivatives(problem, trial, log_y[live], weights[live])
        lower = found[0] < value[live]
        damping[live] = np.where(lower, np.maximum(damping[live] / 10, 1e-9), damping[live] * 3)
        won = live[lower]
        theta[won] = trial[lower]
        value[won], gradient[won], newton[won], majorant[won] = (part[lower] for part in found)
    return theta, value, gradient * _free(problem, theta, gradient)


def to_gain(
    problem: Problem, theta: Array, *, log_y: Array | None = None, weights: Array | None = None
) -> Array:
    """What one majorised step would take off each objective [B], as a share of it."""
    log_y, weights = _rows(problem, len(theta), log_y, weights)
    value, gradient, _, majorant = _derivatives(problem, theta, log_y, weights)
    free = _free(problem, theta, gradient)
    step = _step(problem, theta, gradient, majorant, majorant, np.zeros(len(theta)), free)
    return -np.einsum("bp,bp->b", step, gradient * free) / 2 / np.maximum(value, 1e-12)


def _rows(
    problem: Problem, batch: int, log_y: Array | None, weights: Array | None
) -> tuple[Array, Array]:
    """Values and weights [B, n], each problem's weights summing to one."""
    log_y = np.broadcast_to(problem.log_y if log_y is None else log_y, (batch, problem.log_y.size))
    weights = np.ones_like(log_y) if weights is None else weights
    return log_y, weights / weights.sum(axis=1, keepdims=True)


def _free(problem: Problem, theta: Array, gradient: Array) -> Mask:
    """Where a descent step stays inside the bounds."""
    blocked = ((theta <= problem.lower) & (gradient > 0)) | (
        (theta >= problem.upper) & (gradient < 0)
    )
    return ~blocked


def _step(
    problem: Problem,
    theta: Array,
    gradient: Array,
    newton: Array,
    majorant: Array,
    damping: Array,
    free: Mask,
) -> Array:
    """Solve (H + damping M) s = -g on the free coordinates; uphill directions use M alone.

    A coordinate that would leave its bounds stops there and the others are solved for again.
    """
    identity = np.eye(gradient.shape[1])
    diagonal = np.einsum("bii->bi", majorant)
    floor = 1e-12 + 1e-9 * diagonal.max(axis=1, keepdims=True)
    ridge = majorant + (1e-4 * diagonal + floor)[..., None] * identity
    matrix = newton + damping[:, None, None] * ridge

    def solve(rows: Mask | slice, free: Mask, fixed: Array) -> Array:
        pair = free[:, :, None] & free[:, None, :]
        pull = gradient[rows] + (matrix[rows] @ fixed[..., None])[..., 0]
        target = np.where(free, -pull, fixed)
        return np.linalg.solve(np.where(pair, matrix[rows], identity), target[..., None])[..., 0]

    step = solve(slice(None), free, np.zeros_like(theta))
    uphill = np.einsum("bp,bp->b", step, gradient) >= 0
    if uphill.any():
        matrix[uphill] = (1 + damping[uphill])[:, None, None] * ridge[uphill]
        step[uphill] = solve(uphill, free[uphill], np.zeros_like(theta[uphill]))
    inside = np.clip(theta + step, problem.lower, problem.upper) - theta
    out = inside != step
    crossing = out.any(axis=1)
    if crossing.any():
        fixed = np.where(out, inside, 0)[crossing]
        step[crossing] = solve(crossing, (free & ~out)[crossing], fixed)
    return step


def _derivatives(problem: Problem, theta: Array, log_y: Array, weights: Array):
    """Objective [B], gradient [B, P], Hessian and Gauss-Newton majorant [B, P, P], all exact.

    With terms t_k and f = sum t_k: d log f / d log c_k = t_k / f and d log f / d a_k =
    -log(x) t_k / f; the second derivative of f mixes a term's own coefficient and exponent only.
    """
    count = len(problem.law.terms)
    jacobian = np.empty((len(theta), theta.shape[1], len(problem.log_y)))
    share = jacobian[:, :count]
    share[:] = terms(problem, theta)
    total = share.sum(axis=1)
    share /= total[:, None]
    for j, k in enumerate(problem.power):
        np.multiply(share[:, k], -problem.log_x[:, k], out=jacobian[:, count + j])
    for k, term in enumerate(problem.law.terms):
        if not term.variable:
            share[:, k] = 1 / total

    residual = (np.log(total) - log_y) / problem.delta
    size = np.abs(residual)
    inside = size <= 1
    value = (weights * np.where(inside, residual**2 / 2, size - 0.5)).sum(axis=1)
    slope = weights * np.clip(residual, -1, 1) / problem.delta
    curvature = weights * inside / problem.delta**2
    bound = weights / np.maximum(size, 1) / problem.delta**2  # >= curvature: huber's majorant

    across = jacobian.transpose(0, 2, 1)
    gradient = (jacobian @ slope[..., None])[..., 0]
    newton = (jacobian * (curvature - slope)[:, None]) @ across
    majorant = (jacobian * bound[:, None]) @ across
    for j, k in enumerate(problem.power):
        bent, log_x = slope * share[:, k], problem.log_x[:, k]
        newton[:, k, k] += bent.sum(axis=1)
        newton[:, count + j, count + j] += bent @ log_x**2
        mixed = bent @ log_x
        newton[:, k, count + j] -= mixed
        newton[:, count + j, k] -= mixed
    return value, gradient, newton, majorant
