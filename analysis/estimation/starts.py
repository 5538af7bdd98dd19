"""Where searches start: shapes on a grid, and for each the best coefficients.

For fixed shapes a law is linear in its coefficients (variable projection, Golub & Pereyra 1973).
"""

import math
from dataclasses import replace
from itertools import combinations, product

import numpy as np

from analysis.estimation.expansion import values
from analysis.estimation.problem import LOG_LIMIT, Array, Mask, Problems
from analysis.laws.law import Law

MOST_STARTS = 128
LEAST_COEFFICIENT = 1e-3
ROUNDS = 4


def starts(problems: Problems) -> Array:
    """Theta [B, S, P]: the law's shapes on a grid, coefficients by nonnegative least squares.

    Relative residuals (f - y) / y stand in for logarithmic ones.
    """
    law, batch = problems.law, len(problems)
    count = len(law.terms)
    fixed = (problems.lower == problems.upper)[0]
    grid = shapes_tried(law, fixed[count:])
    theta = np.zeros((batch, len(grid), len(law.parameters)))
    theta[..., count:] = grid
    theta = np.clip(theta, problems.lower[:, None], problems.upper[:, None])
    known = fixed[:count]
    theta[..., :count][..., ~known] = 0  # coefficients of one

    every = problems.take(np.repeat(np.arange(batch), len(grid)))
    flat = theta.reshape(len(every), -1)
    for _ in range(ROUNDS if _coefficients_are_read(law) else 1):
        flat[:, :count] = _coefficients(every, flat, known)
    return flat.reshape(theta.shape)


def _coefficients_are_read(law: Law) -> bool:
    """Whether terms depend on coefficients, so that none is linear before the others are known."""
    return any(set(term.parameters) & set(law.coefficients) for term in law.terms)


def _coefficients(problems: Problems, theta: Array, known: Mask) -> Array:
    """Theta's coefficients [B, K]: known ones as they are, the rest by least squares."""
    law, every, count = problems.law, problems, len(problems.law.terms)
    constant = np.array([term.log is None for term in law.terms])
    of_one = np.where(constant, 1, np.exp(theta[:, :count]))  # with coefficients of one
    terms = every.of_points(values(every, theta)).transpose(2, 1, 0)
    terms = np.where(known, terms, np.where(constant, 1, terms / of_one[:, None]))
    goal = every.y if problems.linear else np.ones_like(every.y)
    scale = every.real if problems.linear else np.where(every.real, np.exp(-every.y.T), 0)
    signed = terms * np.array([term.sign for term in law.terms]) * scale[..., None]
    rest = np.where(every.real, goal.T, 0) - signed[..., known].sum(axis=-1)
    found = theta[:, :count].copy()
    found[:, ~known] = nonnegative_least_squares(signed[..., ~known], rest)
    logs = ~constant & ~known
    found[:, logs] = np.log(np.maximum(found[:, logs], LEAST_COEFFICIENT))
    return np.minimum(found, LOG_LIMIT)


def shapes_tried(law: Law, known: Mask) -> Array:
    """Theta's shapes [S, .]: a full grid where it is small, else points spread evenly over it.

    Of a known shape any one value will do.
    """
    axes = []
    for shape, is_known in zip(law.shapes, known, strict=True):
        ends = np.log(shape.tried) if shape.positive else np.array(shape.tried)
        axes.append((ends, replace(shape, starts=1) if is_known else shape))
    if math.prod(shape.starts for _, shape in axes) <= MOST_STARTS:
        lines = [_line(ends, shape.starts, geometric=not shape.positive) for ends, shape in axes]
        return np.array(list(product(*lines)))
    spread = _spread(MOST_STARTS, len(axes))
    columns = [ends[0] + (ends[1] - ends[0]) * spread[:, j] for j, (ends, _) in enumerate(axes)]
    return np.stack(columns, axis=1)


def _line(ends: Array, count: int, *, geometric: bool) -> Array:
    if count == 1:
        return np.array([np.mean(ends)])
    spaced = np.geomspace if geometric and ends[0] > 0 else np.linspace
    return spaced(ends[0], ends[1], count)


def _spread(count: int, dimensions: int) -> Array:
    """Points [count, dimensions] of an additive lattice, evenly spread over the unit cube.

    Steps are powers of the root of x^(d + 1) = x + 1 (Roberts 2018, the R_d sequence).
    """
    root = 2.0
    for _ in range(40):
        root = (1 + root) ** (1 / (dimensions + 1))
    return (0.5 + np.outer(np.arange(count), root ** -np.arange(1.0, dimensions + 1))) % 1


def nonnegative_least_squares(design: Array, goal: Array) -> Array:
    """Coefficients [B, K] >= 0 with design [B, n, K] @ c nearest to goal [B, n].

    K is at most a handful: every set of positive coefficients is tried and the best that is
    feasible wins, which is exact (the optimum is the free solution on its own support).
    """
    batch, _, terms = design.shape
    gram = np.einsum("bni,bnj->bij", design, design)
    target = np.einsum("bni,bn->bi", design, goal)
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
