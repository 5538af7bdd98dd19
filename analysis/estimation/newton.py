"""Damped projected Newton on the Huber loss of log residuals, for many problems at once.

    minimise over theta   sum_i w_i huber_delta(log f(x_i; theta) - log y_i)

as in Hoffmann et al. 2022 (arXiv 2203.15556, eq. 3). The terms are summed, not averaged.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from analysis.estimation.expansion import TINY, differentiate, total, values
from analysis.estimation.problem import Array, Indices, Mask, Problems
from analysis.estimation.solving import solve

RAISED = 3.0
"""Damping after a step that does not help, and as much more after each further one in a row."""


class Expansion(NamedTuple):
    """Objective [B], gradient [P, B], Hessian and Gauss-Newton majorant [P, P, B] at one theta."""

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
    bends: bool = True,
) -> Polished:
    """Damped projected Newton on B problems at once, from theta [B, P].

    The objective is divided by delta^2 sum(w), which makes it of order one; so is its gradient. An
    element stops when its gradient is below `tolerance` relative to max(1, objective), or when no
    step along its damped Newton directions lowers the objective. Without `bends` the curvature of
    terms other than powers is left out, which is cheap and does far from an optimum.
    """
    theta = _inside(theta, problems.lower, problems.upper)
    result, live = theta.copy(), np.arange(len(theta))
    here = expand(problems, theta, bends=bends)
    damping = np.broadcast_to(damping, len(theta))
    damped, raised = damping.copy(), np.full(len(theta), RAISED)
    for _ in range(iterations):
        free = _free(theta, here.gradient, problems)
        steep = np.abs(here.gradient * free).max(axis=0)
        going = (steep > tolerance * np.maximum(1, here.value)) & (damping < 1e10)
        if not going.all():
            result[live], damped[live] = theta, damping
            live, problems = live[going], problems.take(going)
            theta, damping, raised = theta[going], damping[going], raised[going]
            free = free[:, going]
            here = Expansion(*(part[..., going] for part in here))
        if not live.size:
            break
        step = _step(theta, here, damping, free, problems)
        trial = _inside(theta + _inside(step, -2, 2), problems.lower, problems.upper)
        there = expand(problems, trial, bends=bends)
        won = there.value < here.value
        damping = np.where(won, np.maximum(damping / 10, 1e-9), damping * raised)
        raised = np.where(won, RAISED, raised * RAISED)
        theta[won] = trial[won]
        for old, new in zip(here, there, strict=True):
            old[..., won] = new[..., won]
    result[live], damped[live] = theta, damping
    return Polished(result, damped, live)


def objective(problems: Problems, theta: Array) -> tuple[Array, Array]:
    """Objective [B] and gradient [B, P] as `polish` scales them, zero at active bounds."""
    found = expand(problems, theta)
    return found.value, (found.gradient * _free(theta, found.gradient, problems)).T


def condition(problems: Problems, theta: Array) -> Array:
    """Of the curvature of each problem's least squares [B], its free parameters in units of theirs.

    Large where some combination of parameters hardly changes the law.
    """
    found = expand(replace(problems, squares=True), theta)
    inner = (theta > problems.lower) & (theta < problems.upper)
    numbers = []
    for matrix, free in zip(found.majorant.T, inner, strict=True):
        kept = matrix[np.ix_(free, free)]
        scale = np.sqrt(np.maximum(np.diag(kept), TINY))
        numbers.append(np.linalg.cond(kept / np.outer(scale, scale)) if free.any() else 1.0)
    return np.array(numbers)


def to_gain(problems: Problems, theta: Array) -> Array:
    """What one majorised step would take off each objective [B], as a share of it."""
    here = expand(problems, theta)
    free = _free(theta, here.gradient, problems)
    majorised = here._replace(newton=here.majorant)
    step = _step(theta, majorised, np.zeros(len(theta)), free, problems)
    return -np.einsum("bp,pb->b", step, here.gradient * free) / 2 / np.maximum(here.value, 1e-12)


def _inside(values: Array, lower: Array | float, upper: Array | float) -> Array:
    """As np.clip, which takes longer than the rest of an iteration's arithmetic on few problems."""
    return np.minimum(np.maximum(values, lower), upper)


def _free(theta: Array, gradient: Array, problems: Problems) -> Mask:
    """Where a descent step stays inside the bounds [P, B]."""
    at, lower, upper = theta.T, problems.lower.T, problems.upper.T
    out = ((at <= lower) & (gradient > 0)) | ((at >= upper) & (gradient < 0))
    return ~(out | (lower == upper))


def _step(theta: Array, here: Expansion, damping: Array, free: Mask, problems: Problems) -> Array:
    """Solve (H + damping M) s = -g on the free coordinates; uphill directions use M alone.

    A coordinate that would leave its bounds stops there and the others are solved for again.
    """
    _, gradient, newton, majorant = here
    diagonal = np.einsum("iib->ib", majorant)
    ridge = majorant.copy()
    on_diagonal = np.einsum("iib->ib", ridge)
    on_diagonal += 1e-4 * diagonal + 1e-12 + 1e-9 * diagonal.max(axis=0)
    matrix = newton + damping * ridge
    step = solve(matrix, -gradient, free)
    uphill = ~(np.einsum("pb,pb->b", step, gradient) < 0)
    if uphill.any():
        matrix[..., uphill] = (1 + damping[uphill]) * ridge[..., uphill]
        step[:, uphill] = solve(matrix[..., uphill], -gradient[:, uphill], free[:, uphill])
    inside = _inside(theta.T + step, problems.lower.T, problems.upper.T) - theta.T
    out = inside != step
    crossing = out.any(axis=0)
    if crossing.any():
        fixed, blocked = np.where(out, inside, 0)[:, crossing], matrix[..., crossing]
        pull = gradient[:, crossing] + np.einsum("pqb,qb->pb", blocked, fixed)
        step[:, crossing] = fixed + solve(blocked, -pull, (free & ~out)[:, crossing])
    return step.T


def expand(problems: Problems, theta: Array, *, bends: bool = False) -> Expansion:
    """The objective and its derivatives.

    With terms t_k, f = sum t_k and slopes g of log t: df = sum t g and d2f = sum t (g g' + dg). A
    constant's slope is its own, and its second derivative zero.
    """
    law, weights, delta = problems.law, problems.weights, problems.delta
    terms = values(problems, theta)
    whole = total(law, terms)
    if not problems.linear and any(term.sign < 0 for term in law.terms):
        whole = np.maximum(whole, TINY)
    far = problems.of_points(whole if problems.linear else np.log(whole)) - problems.y
    residual = far / delta
    size = np.abs(residual)
    if problems.asymmetry != 1:  # a value above the law counts otherwise than one below
        weights = np.where(far < 0, problems.asymmetry, 1.0) * weights
    inside = size if problems.squares else np.minimum(size, 1)
    value = np.einsum("nb,nb->b", weights, inside * (size - inside / 2))
    bound = curvature = weights / delta**2
    if not problems.squares:
        bound = bound / np.maximum(size, 1)  # >= curvature: huber's majorant
        curvature = bound * (size <= 1)
    slope = bound * residual * delta
    bound, curvature, slope = map(problems.of_places, (bound, curvature, slope))

    unit = 1.0 if problems.linear else 1 / whole
    jacobian, bent = differentiate(problems, theta, terms, unit, pull=slope, bends=bends)
    gradient = np.einsum("pnb,nb->pb", jacobian, slope)
    squared = curvature if problems.linear else curvature - slope
    newton = np.einsum("pnb,qnb->pqb", jacobian * squared, jacobian) + bent
    majorant = np.einsum("pnb,qnb->pqb", jacobian * bound, jacobian)
    return Expansion(value, gradient, newton, majorant)
