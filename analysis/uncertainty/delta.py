"""Standard errors by linearising a law at its optimum, for comparison with the bootstrap."""

from collections.abc import Collection, Sequence

import numpy as np

from analysis.estimation.estimate import Estimate
from analysis.estimation.expansion import differentiate, total, values
from analysis.estimation.problem import Array, Problems

STEP = 1e-6


def jacobian(problems: Problems, theta: Array) -> Array:
    """Of the law, or of its logarithm, in theta [B, P]: [B, n, P]."""
    terms = values(problems, theta)
    unit = 1.0 if problems.linear else 1 / total(problems.law, terms)
    out, _ = differentiate(problems, theta, terms, unit)
    return np.where(problems.real[..., None], problems.of_points(out).transpose(2, 1, 0), 0)


def variances(best: list[Estimate]) -> Array:
    """Of each fit's residuals [B]: their squares over n less the parameters fitted."""
    freedom = [max(len(found.residuals) - len(found.free), 1) for found in best]
    return np.array([found.residuals @ found.residuals for found in best]) / freedom


def covariances(
    problems: Problems, theta: Array, free_of: Sequence[Collection[str]], variance: Array
) -> Array:
    """Of the parameters [B, P, P] in the units of the data: s^2 (J' J)^-1, zero where known."""
    slopes = jacobian(problems, theta)
    out = np.zeros((len(theta), theta.shape[1], theta.shape[1]))
    for i, names in enumerate(free_of):
        free = [k for k, name in enumerate(problems.law.parameters) if name in names]
        inner = slopes[i][:, free]
        own = variance[i] * np.linalg.pinv(inner.T @ inner, rcond=1e-14)
        turned = _to_natural(problems.take(slice(i, i + 1)), theta[i], free)
        out[i] = turned @ own @ turned.T
    return out


def standard_errors(problems: Problems, best: list[Estimate]) -> list[dict[str, float]]:
    """By name, for each problem."""
    theta, free = np.stack([found.theta for found in best]), [found.free for found in best]
    found = covariances(problems, theta, free, variances(best))
    deviations = np.sqrt(np.einsum("bpp->bp", found))
    names = problems.law.parameters
    return [dict(zip(names, map(float, row), strict=True)) for row in deviations]


def _to_natural(problem: Problems, theta: Array, free: list[int]) -> Array:
    """d natural / d theta [P, free], by central differences."""
    steps = STEP * np.eye(len(theta))[free]
    moved = [
        problem.natural((theta + s * steps[j])[None])[0] for j in range(len(free)) for s in (1, -1)
    ]
    up, down = np.array(moved[::2]), np.array(moved[1::2])
    return ((up - down) / (2 * STEP)).T
