"""Many starts by variable projection, the scale of the residuals, and the best optimum."""

from dataclasses import dataclass, replace
from itertools import combinations, product

import numpy as np

from analysis.newton import polish
from analysis.problem import Array, Problem, log_residuals, terms

START_EXPONENTS = {1: np.geomspace(0.02, 3.0, 24), 2: np.geomspace(0.05, 2.0, 6)}
LEAST_DELTA = 1e-3
"""Hoffmann et al.'s own."""
SAME_OPTIMUM = 1e-6
"""Objectives within this relative distance are one optimum."""


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


def estimate(problem: Problem, *, fixed_delta: bool) -> tuple[Problem, Estimate]:
    """Fit from every start of the exponent grid; the best is judged by value and gradient.

    Without `fixed_delta` the problem's own is replaced by one that suits its residuals.
    """
    theta = starts(problem)
    if not fixed_delta:
        for _ in range(2):  # the nearest start tells the scale roughly, a few steps do well
            problem = replace(problem, delta=efficient_delta(problem, theta))
            theta, *_ = polish(problem, theta, iterations=20)
        problem = replace(problem, delta=efficient_delta(problem, theta))
    theta, scaled, gradient = polish(problem, theta)
    best = int(np.argmin(scaled))
    slack = SAME_OPTIMUM * max(scaled[best], 1e-12)
    winner = theta[best]
    at_bound = (winner <= problem.lower) | (winner >= problem.upper)
    names = problem.law.parameters
    found = Estimate(
        theta=winner,
        parameters=dict(zip(names, map(float, problem.natural(winner)), strict=True)),
        objective=float(scaled[best] * problem.delta**2 * problem.log_y.size),
        gradient_norm=float(np.linalg.norm(gradient[best])),
        starts=len(theta),
        share_at_best=float(np.mean(scaled <= scaled[best] + slack)),
        bounds_hit=tuple(name for name, hit in zip(names, at_bound, strict=True) if hit),
        log_residuals=log_residuals(problem, winner),
    )
    return problem, found


def efficient_delta(problem: Problem, theta: Array) -> float:
    """1.345 robust standard deviations of the residuals about the nearest of B laws [B, P].

    With normal residuals the estimate then has 95 % of the efficiency of least squares (Holland &
    Welsch 1977, doi 10.1080/03610927708827533), and it is unique: a delta far below the noise
    gives least absolute deviations, for which two seeds leave every curve between them as good.
    Rounded, so that it does not depend on how far the laws were polished.
    """
    count = problem.log_y.size
    sizes = np.abs(problem.log_y - np.log(terms(problem, theta).sum(axis=1)))
    nearest = np.median(sizes[np.argmin(sizes.sum(axis=1))])
    freedom = max(count - len(problem.law.parameters), 1)
    deviation = 1.4826 * float(nearest) * (count / freedom) ** 0.5
    return max(LEAST_DELTA, float(f"{1.345 * deviation:.2g}"))


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
