"""Many starts by variable projection, the scale of the residuals, and the best optimum."""

from dataclasses import dataclass, replace

import numpy as np

from analysis.estimation.expansion import residuals as residuals_of
from analysis.estimation.newton import condition, objective, polish
from analysis.estimation.problem import Array, Mask, Problems
from analysis.estimation.starts import starts

LEAST_DELTA = 1e-3
"""Hoffmann et al.'s own."""
APPROACH = 40
"""Iterations after which, where they are costly, starts far behind the best are given up."""
GIVEN_UP = 2.0
"""Times the best objective, beyond which they are."""
SAME_OPTIMUM = 1e-6
"""Objectives within this relative distance are one optimum."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """The best optimum found and how it was found; `theta` is normalised, `parameters` natural.

    `free` are those that were fitted; residuals are of values over their scale, or of logarithms.
    """

    theta: Array
    parameters: dict[str, float]
    free: tuple[str, ...]
    objective: float
    gradient_norm: float
    starts: int
    share_at_best: float
    bounds_hit: tuple[str, ...]
    condition: float
    residuals: Array


def estimate(problems: Problems, *, fixed_delta: bool) -> tuple[Problems, list[Estimate]]:
    """Fit each problem from every start of the exponent grid; the best is judged by its value.

    Without `fixed_delta` a problem's own is replaced by one that suits its residuals.
    """
    theta = starts(problems)
    if not fixed_delta:
        problems = replace(problems, delta=efficient_delta(problems, theta))
        theta = _polish(problems, theta, iterations=20, bends=False)
        for _ in range(2):  # to the end, or delta's rounding would hang on where steps stopped
            problems = replace(problems, delta=efficient_delta(problems, theta))
            theta = _polish(problems, theta, _nearest(problems, theta))
        problems = replace(problems, delta=efficient_delta(problems, theta))
    going = np.ones(theta.shape[:2], bool)
    if any(term.log and not term.power for term in problems.law.terms):
        theta = _polish(problems, theta, iterations=APPROACH, bends=False)
        value = _objectives(problems, theta)[0]
        going = value <= GIVEN_UP * value.min(axis=1, keepdims=True) + SAME_OPTIMUM
    theta = _polish(problems, theta, going)
    value, gradient = _objectives(problems, theta)
    at_best = np.arange(len(problems)), value.argmin(axis=1)
    best, natural = theta[at_best], problems.natural(theta[at_best])
    residuals = residuals_of(problems, best)
    slack = SAME_OPTIMUM * np.maximum(value[at_best], 1e-12)
    share = np.mean(value <= (value[at_best] + slack)[:, None], axis=1)
    names = problems.law.parameters
    at_bound = (best <= problems.lower) | (best >= problems.upper)
    fitted = problems.lower < problems.upper
    conditions = condition(problems, best)
    found = []
    for i, real in enumerate(problems.real):
        found.append(
            Estimate(
                theta=best[i],
                parameters=dict(zip(names, map(float, natural[i]), strict=True)),
                free=_those(names, fitted[i]),
                objective=float(value[at_best][i] * problems.delta[i] ** 2 * real.sum()),
                gradient_norm=float(np.linalg.norm(gradient[at_best][i])),
                starts=theta.shape[1],
                share_at_best=float(share[i]),
                bounds_hit=_those(names, at_bound[i] & fitted[i]),
                condition=float(conditions[i]),
                residuals=residuals[i, real],
            )
        )
    return problems, found


def _those(names: tuple[str, ...], which: Mask) -> tuple[str, ...]:
    return tuple(name for name, said in zip(names, which, strict=True) if said)


def _each_start(problems: Problems, theta: Array) -> Problems:
    """A problem per start of theta [B, S, P]."""
    return problems.take(np.repeat(np.arange(len(problems)), theta.shape[1]))


def _polish(
    problems: Problems,
    theta: Array,
    which: Mask | None = None,
    *,
    iterations: int = 300,
    bends: bool = True,
) -> Array:
    """All starts [B, S, P] at once, or some of them [B, S]."""
    which = np.ones(theta.shape[:2], bool) if which is None else which
    part, out = problems.take(np.nonzero(which)[0]), theta.copy()
    out[which] = polish(part, theta[which], iterations=iterations, bends=bends).theta
    return out


def _objectives(problems: Problems, theta: Array) -> tuple[Array, Array]:
    """Value [B, S], infinite where it is not a number, and gradient [B, S, P] of every start."""
    value, gradient = objective(_each_start(problems, theta), theta.reshape(-1, theta.shape[2]))
    value = np.where(np.isfinite(value), value, np.inf)
    return value.reshape(theta.shape[:2]), gradient.reshape(theta.shape)


def _nearest(problems: Problems, theta: Array) -> Mask:
    """The start of each problem [B, S] whose residuals are smallest in sum."""
    every = _each_start(problems, theta)
    sizes = np.abs(residuals_of(every, theta.reshape(len(every), -1))).sum(axis=1)
    sizes = sizes.reshape(theta.shape[:2])
    return np.arange(theta.shape[1]) == sizes.argmin(axis=1)[:, None]


def efficient_delta(problems: Problems, theta: Array) -> Array:
    """1.345 robust deviations of the residuals about the nearest of S laws [B, S, P]: delta [B].

    With normal residuals the estimate then has 95 % of the efficiency of least squares (Holland &
    Welsch 1977, doi 10.1080/03610927708827533), and it is unique: a delta far below the noise
    gives least absolute deviations, for which two seeds leave every curve between them as good.
    Rounded, so that it does not depend on how far the laws were polished.
    """
    nearest = theta[_nearest(problems, theta)]
    deltas = []
    sizes = np.abs(residuals_of(problems, nearest))
    fitted = (problems.lower < problems.upper).sum(axis=1)
    for residuals, real, count in zip(sizes, problems.real, fitted, strict=True):
        freedom = max(real.sum() - count, 1)
        deviation = 1.4826 * float(np.median(residuals[real])) * (real.sum() / freedom) ** 0.5
        deltas.append(max(LEAST_DELTA, float(f"{1.345 * deviation:.2g}")))
    return np.array(deltas)
