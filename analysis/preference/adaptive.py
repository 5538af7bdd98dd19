"""An order that spends votes where they narrow the law most."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
EXPLORE = 0.2
"""Share of the votes spread over all sizes, so that a law that does not hold can show."""
PSEUDO = 1.0
"""Votes at even odds added to each size, so that no size looks certain after a few."""


@dataclass(frozen=True, kw_only=True)
class Design:
    """Share of the next votes that each size should get, and the deviation of alpha so far."""

    shares: Array
    deviation: float


def design(sizes: Array, points: Array, votes: Array) -> Design:
    """For r = 1/2 - A x^-alpha: where the next votes should go, from the points [k] and votes [k].

    The variance of alpha's estimate is c^T M^-1 c with M the information of the votes so far and of
    those to come. The shares that make it least for a fitted law put votes on few sizes (Elfving
    1952, doi 10.1214/aoms/1177729442); they are found by the multiplicative algorithm of Silvey,
    Titterington & Torsney (1978). A law that fits is not proven by two sizes: EXPLORE of the votes
    go to all alike. `sizes` differ; votes may be 0.
    """
    slopes, variance = _linearised(sizes, points, votes)
    best = _optimal(slopes / np.sqrt(variance)[:, None])
    information = (slopes.T * (votes / variance)) @ slopes
    spread = np.linalg.pinv(information)[1, 1]
    seen = np.count_nonzero(votes) >= 2
    return Design(
        shares=EXPLORE / len(sizes) + (1 - EXPLORE) * best,
        deviation=float(np.sqrt(spread)) if seen else np.inf,
    )


def behind(shares: Array, votes: Array) -> int:
    """The size to ask about next: one short of votes to explore by, or most behind its share.

    A share of -inf is a size that cannot be asked about.
    """
    total = votes.sum() + 1
    short = np.isfinite(shares) & (votes < EXPLORE / len(shares) * total)
    if short.any():
        return int(np.argmin(np.where(short, votes, np.inf)))
    return int(np.argmax(shares * total - votes))


def _linearised(sizes: Array, points: Array, votes: Array) -> tuple[Array, Array]:
    """Derivatives of r by (log A, alpha) [k, 2] at a rough fit, and the variance of a vote [k].

    The rough fit is a line through log(1/2 - r) over log x, weighted by its inverse variance.
    """
    rate = (points + PSEUDO / 2) / (votes + PSEUDO)
    gap = np.clip(0.5 - rate, 0.02, 0.48)
    x = np.log(sizes) - np.log(sizes).mean()
    weight = gap**2 / (rate * (1 - rate)) * (votes + PSEUDO)
    centre = np.average(x, weights=weight)
    level = np.average(np.log(gap), weights=weight)
    slope = -np.average((x - centre) * (np.log(gap) - level), weights=weight)
    alpha = float(np.clip(slope / np.average((x - centre) ** 2, weights=weight), 0.02, 2.0))
    fitted = np.clip(np.exp(level - alpha * (x - centre)), 0.01, 0.49)
    return np.stack([-fitted, fitted * x], axis=1), (0.5 - fitted) * (0.5 + fitted)


def _optimal(rows: Array, steps: int = 300) -> Array:
    """Shares w [k] for the least c^T (sum w_i r_i r_i^T)^-1 c, c = (0, 1), of rows r [k, 2]."""
    w = np.full(len(rows), 1 / len(rows))
    for _ in range(steps):
        information = (rows.T * w) @ rows
        along = rows @ np.linalg.solve(information + 1e-12 * np.eye(2), np.array([0.0, 1.0]))
        w = w * np.abs(along)
        w = w / w.sum()
    return w
