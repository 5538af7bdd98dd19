"""Damped projected Newton on the Huber loss of log residuals, for many problems at once.

    minimise over theta   sum_i w_i huber_delta(log f(x_i; theta) - log y_i)

as in Hoffmann et al. 2022 (arXiv 2203.15556, eq. 3). The terms are summed, not averaged.
"""

from typing import NamedTuple

import numpy as np

from analysis.problem import Array, Indices, Mask, Problems, bounds, terms


class Expansion(NamedTuple):
    """Objective [B], gradient [B, P], Hessian and Gauss-Newton majorant [B, P, P] at one theta."""

    value: Array
    gradient: Array
    newton: Array
    majorant: Array


class Polished(NamedTuple):
    """Theta [B, P], the damping [B] to go on with, and which problems are not at their end."""

    theta: Array
    damping: Array
    late: Indices


def polish(
    problems: Problems,
    theta: Array,
    *,
    damping: Array | float = 0.1,
    tolerance: float = 1e-10,
    iterations: int = 300,
) -> Polished:
    """Damped projected Newton on B problems at once, from theta [B, P].

    The objective is divided by delta^2 sum(w), which makes it of order one; so is its gradient. An
    element stops when its gradient is below `tolerance` relative to max(1, objective), or when no
    step along its damped Newton directions lowers the objective.
    """
    lower, upper = bounds(problems.law)
    theta = np.clip(theta, lower, upper)
    result, live = theta.copy(), np.arange(len(theta))
    here = _expand(problems, theta)
    damping = np.broadcast_to(damping, len(theta))
    damped = damping.copy()
    for _ in range(iterations):
        free = _free(theta, here.gradient, lower, upper)
        steep = np.abs(here.gradient * free).max(axis=1)
        going = (steep > tolerance * np.maximum(1, here.value)) & (damping < 1e10)
        if not going.all():
            result[live], damped[live] = theta, damping
            live, problems = live[going], problems.take(going)
            theta, damping, free = theta[going], damping[going], free[going]
            here = Expansion(*(part[going] for part in here))
        if not live.size:
            break
        step = _step(theta, here, damping, free, (lower, upper))
        trial = _inside(theta + _inside(step, -2, 2), lower, upper)
        there = _expand(problems, trial)
        won = there.value < here.value
        damping = np.where(won, np.maximum(damping / 10, 1e-9), damping * 3)
        theta[won] = trial[won]
        for old, new in zip(here, there, strict=True):
            old[won] = new[won]
    result[live], damped[live] = theta, damping
    return Polished(result, damped, live)


def objective(problems: Problems, theta: Array) -> tuple[Array, Array]:
    """Objective [B] and gradient [B, P] as `polish` scales them, zero at active bounds."""
    found = _expand(problems, theta)
    return found.value, found.gradient * _free(theta, found.gradient, *bounds(problems.law))


def to_gain(problems: Problems, theta: Array) -> Array:
    """What one majorised step would take off each objective [B], as a share of it."""
    limits = bounds(problems.law)
    here = _expand(problems, theta)
    free = _free(theta, here.gradient, *limits)
    majorised = here._replace(newton=here.majorant)
    step = _step(theta, majorised, np.zeros(len(theta)), free, limits)
    return -np.einsum("bp,bp->b", step, here.gradient * free) / 2 / np.maximum(here.value, 1e-12)


def _inside(values: Array, lower: Array | float, upper: Array | float) -> Array:
    """As np.clip, which takes longer than the rest of an iteration's arithmetic on few problems."""
    return np.minimum(np.maximum(values, lower), upper)


def _free(theta: Array, gradient: Array, lower: Array, upper: Array) -> Mask:
    """Where a descent step stays inside the bounds."""
    return ~(((theta <= lower) & (gradient > 0)) | ((theta >= upper) & (gradient < 0)))


def _step(
    theta: Array, here: Expansion, damping: Array, free: Mask, limits: tuple[Array, Array]
) -> Array:
    """Solve (H + damping M) s = -g on the free coordinates; uphill directions use M alone.

    A coordinate that would leave its bounds stops there and the others are solved for again.
    """
    _, gradient, newton, majorant = here
    diagonal = np.einsum("bii->bi", majorant)
    ridge = majorant.copy()
    on_diagonal = np.einsum("bii->bi", ridge)
    on_diagonal += 1e-4 * diagonal + 1e-12 + 1e-9 * diagonal.max(axis=1, keepdims=True)
    matrix = newton + damping[:, None, None] * ridge
    step = _solve(matrix, gradient, free)
    uphill = np.einsum("bp,bp->b", step, gradient) >= 0
    if uphill.any():
        matrix[uphill] = (1 + damping[uphill])[:, None, None] * ridge[uphill]
        step[uphill] = _solve(matrix[uphill], gradient[uphill], free[uphill])
    inside = _inside(theta + step, *limits) - theta
    out = inside != step
    crossing = out.any(axis=1)
    if crossing.any():
        fixed, blocked = np.where(out, inside, 0)[crossing], matrix[crossing]
        pull = gradient[crossing] + (blocked @ fixed[..., None])[..., 0]
        step[crossing] = fixed + _solve(blocked, pull, (free & ~out)[crossing])
    return step


def _solve(matrix: Array, gradient: Array, free: Mask) -> Array:
    """Solve H s = -g [B, P] on the free coordinates; the others stay where they are."""
    if not free.all():
        pair = free[:, :, None] & free[:, None, :]
        matrix = np.where(pair, matrix, np.eye(free.shape[1]))
        gradient = np.where(free, gradient, 0)
    return np.linalg.solve(matrix, -gradient[..., None])[..., 0]


def _expand(problems: Problems, theta: Array) -> Expansion:
    """The objective and its derivatives, all exact.

    With terms t_k and f = sum t_k: d log f / d log c_k = t_k / f and d log f / d a_k =
    -log(x) t_k / f; the second derivative of f mixes a term's own coefficient and exponent only.
    """
    law, log_x, weights, delta = problems.law, problems.log_x, problems.weights, problems.delta
    count = len(law.terms)
    jacobian = np.empty((theta.shape[1], *weights.shape))
    share = jacobian[:count]
    share[:] = terms(problems, theta)
    total = share.sum(axis=0)
    share /= total
    for j, k in enumerate(law.powers):
        np.multiply(share[k], -log_x[k], out=jacobian[count + j])
    for k, term in enumerate(law.terms):
        if not term.variable:
            np.divide(1, total, out=share[k])

    residual = (np.log(total) - problems.log_y) / delta
    size = np.abs(residual)
    inside = np.minimum(size, 1)
    value = np.einsum("nb,nb->b", weights, inside * (size - inside / 2))
    bound = weights / np.maximum(size, 1) / delta**2  # >= curvature: huber's majorant
    slope = bound * residual * delta
    curvature = bound * (size <= 1)

    gradient = np.einsum("pnb,nb->pb", jacobian, slope)
    newton = np.einsum("pnb,qnb->pqb", jacobian * (curvature - slope), jacobian)
    majorant = np.einsum("pnb,qnb->pqb", jacobian * bound, jacobian)
    for j, k in enumerate(law.powers):
        bent, own = slope * share[k], log_x[k]
        mixed = np.einsum("nb,nb->b", bent, own)
        newton[k, k] += bent.sum(axis=0)
        newton[count + j, count + j] += np.einsum("nb,nb,nb->b", bent, own, own)
        newton[k, count + j] -= mixed
        newton[count + j, k] -= mixed
    return Expansion(
        value, *(np.ascontiguousarray(part.T) for part in (gradient, newton, majorant))
    )
