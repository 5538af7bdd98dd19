"""Does a limit depend on which part of the range it was read off?

Under the law, a fit to fewer points is a worse estimate of the same limit, and differs from the
whole fit by sqrt(their difference in variance) (Hausman 1978, doi 10.2307/1913827). A larger
difference means that the law bends otherwise than the data, so that its limit is not theirs.
"""

from dataclasses import dataclass, replace

import numpy as np

from analysis.estimation.estimate import Estimate
from analysis.estimation.newton import polish
from analysis.estimation.problem import Indices, Problems
from analysis.uncertainty.delta import covariances, variances

LEFT_OUT = 3
"""The lowest and the highest 1 / LEFT_OUT of the distinct values are left out in turn."""
TOO_FAR = 2.5


@dataclass(frozen=True, kw_only=True)
class Moved:
    """A limit, without the `part` of the range, and how many deviations that is from the whole."""

    name: str
    part: str
    value: float
    deviations: float


def steadiness(problems: Problems, best: list[Estimate]) -> list[tuple[Moved, ...]]:
    """For each problem the limits that move too far; for laws in one variable with a limit."""
    law = problems.law
    limits = [k for k, t in enumerate(law.terms) if t.log is None and t.coefficient in best[0].free]
    found: list[list[Moved]] = [[] for _ in best]
    if len(law.variables) > 1 or not limits:
        return [() for _ in best]
    variance = variances(best)
    theta = np.stack([item.theta for item in best])
    whole = covariances(problems, theta, [item.free for item in best], variance)
    for part in ("lowest", "highest"):
        kept, rows = _without(problems, part)
        if not rows.size:
            continue
        fewer = kept.take(rows)
        theta = polish(fewer, np.stack([best[i].theta for i in rows])).theta
        natural = fewer.natural(theta)
        free = [best[i].free for i in rows]
        parts = covariances(fewer, theta, free, variance[rows])
        for i, other, covariance in zip(rows, natural, parts, strict=True):
            for k in limits:
                name = law.parameters[k]
                spread = np.sqrt(max(covariance[k, k] - whole[i, k, k], 1e-300))
                change = (other[k] - best[i].parameters[name]) / spread
                if abs(change) > TOO_FAR:
                    moved = Moved(
                        name=name,
                        part=part,
                        value=float(other[k]),
                        deviations=float(change),
                    )
                    found[i].append(moved)
    return [tuple(items) for items in found]


def _without(problems: Problems, part: str) -> tuple[Problems, Indices]:
    """The problems less a part of their range, and which of them have points enough for it."""
    weights, enough = problems.weights.copy(), []
    fitted = (problems.lower < problems.upper).sum(axis=1)
    for i, real in enumerate(problems.real):
        x = problems.log_x[0, problems.at, i]
        distinct = np.unique(x[real])
        count = len(distinct) // LEFT_OUT
        out = distinct[:count] if part == "lowest" else distinct[len(distinct) - count :]
        if count and len(distinct) - count >= fitted[i] + 2:
            weights[np.isin(x, out), i] = 0
            weights[:, i] /= weights[:, i].sum()
            enough.append(i)
    return replace(problems, weights=weights), np.array(enough, np.intp)
