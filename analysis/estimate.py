"""Many starts by variable projection, the scale of the residuals, and the best optimum."""

from dataclasses import dataclass, replace
from itertools import combinations, product

import numpy as np

from analysis.newton import objective, polish
from analysis.problem import Array, Problems, bounds, log_residuals

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


def estimate(problems: Problems, *, fixed_delta: bool) -> tuple[Problems, list[Estimate]]:
    """Fit each problem from every start of the exponent grid; the best is judged by its value.

    Without `fixed_delta` a problem's own is replaced by one that suits its residuals.
    """
    theta = starts(problems)
    if not fixed_delta:
        for _ in range(2):  # the nearest start tells the scale roughly, a few steps do well
            problems = replace(problems, delta=efficient_delta(problems, theta))
            theta = _polish(problems, theta, iterations=20)
        problems = replace(problems, delta=efficient_delta(problems, theta))
    theta = _polish(problems, theta)
    every = _each_start(problems, theta)
    value, gradient = (
        part.reshape(*theta.shape[:2], *part.shape[1:])
        for part in objective(every, theta.reshape(len(every), -1))
    )
    at_best = np.arange(len(problems)), value.argmin(axis=1)
    best, natural = theta[at_best], problems.natural(theta[at_best])
    residuals = log_residuals(problems, best)
    slack = SAME_OPTIMUM * np.maximum(value[at_best], 1e-12)
    share = np.mean(value <= (value[at_best] + slack)[:, None], axis=1)
    lower, upper = bounds(problems.law)
    names = problems.law.parameters
    found = []
    for i, real in enumerate(problems.real):
        at_bound = (best[i] <= lower) | (best[i] >= upper)
        found.append(
            Estimate(
                theta=best[i],
                parameters=dict(zip(names, map(float, natural[i]), strict=True)),
                objective=float(value[at_best][i] * problems.delta[i] ** 2 * real.sum()),
                gradient_norm=float(np.linalg.norm(gradient[at_best][i])),
                starts=theta.shape[1],
                share_at_best=float(share[i]),
                bounds_hit=tuple(name for name, hit in zip(names, at_bound, strict=True) if hit),
                log_residuals=residuals[i, real],
            )
        )
    return problems, found


def _each_start(problems: Problems, theta: Array) -> Problems:
    """A problem per start of theta [B, S, P]."""
    return problems.take(np.repeat(np.arange(len(problems)), theta.shape[1]))


def _polish(problems: Problems, theta: Array, **limits: int) -> Array:
    """All starts [B, S, P] at once."""
    every = _each_start(problems, theta)
    return polish(every, theta.reshape(len(every), -1), **limits).theta.reshape(theta.shape)


def efficient_delta(problems: Problems, theta: Array) -> Array:
    """1.345 robust deviations of the residuals about the nearest of S laws [B, S, P]: delta [B].

    With normal residuals the estimate then has 95 % of the efficiency of least squares (Holland &
    Welsch 1977, doi 10.1080/03610927708827533), and it is unique: a delta far below the noise
    gives least absolute deviations, for which two seeds leave every curve between them as good.
    Rounded, so that it does not depend on how far the laws were polished.
    """
    every = _each_start(problems, theta)
    sizes = np.abs(log_residuals(every, theta.reshape(len(every), -1)))
    sizes = sizes.reshape(*theta.shape[:2], -1)
    nearest = sizes[np.arange(len(problems)), sizes.sum(axis=2).argmin(axis=1)]
    deltas = []
    for residuals, real in zip(nearest, problems.real, strict=True):
        freedom = max(real.sum() - len(problems.law.parameters), 1)
        deviation = 1.4826 * float(np.median(residuals[real])) * (real.sum() / freedom) ** 0.5
        deltas.append(max(LEAST_DELTA, float(f"{1.345 * deviation:.2g}")))
    return np.array(deltas)


def starts(problems: Problems) -> Array:
    """Theta [B, S, P] for each exponent of a grid, its coefficients by nonnegative least squares.

    For fixed exponents the law is linear in its coefficients (variable projection, Golub &
    Pereyra 1973); relative residuals (f - y) / y stand in for logarithmic ones.
    """
    powers = problems.law.powers
    grid = np.array(list(product(START_EXPONENTS[len(powers)], repeat=len(powers))))
    batch, count = len(problems), len(grid)
    log_x = problems.log_x.transpose(2, 1, 0)
    features = np.ones((batch, count, *log_x.shape[1:]))
    for j, k in enumerate(powers):
        features[..., k] = np.exp(-grid[:, j, None] * log_x[:, None, :, k])
    features *= np.where(problems.real, np.exp(-problems.log_y.T), 0)[:, None, :, None]
    coefficients = nonnegative_least_squares(features.reshape(batch * count, *log_x.shape[1:]))
    exponents = np.tile(grid, (batch, 1))
    theta = np.concatenate([coefficients, exponents], axis=1)
    theta[:, powers] = np.log(np.maximum(theta[:, powers], 1e-3))
    return theta.reshape(batch, count, -1)


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
