"""Bradley and Terry's strengths with ties, of all runs and of real images, from votes on pairs."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from analysis.preference.clusters import intervals
from analysis.preference.outcomes import POINTS, REAL, Array, Indices, outcomes

LOOSE = 10.0
"""Standard deviation of the normal prior of log-strengths: finite ones where a side never wins."""
STEPS = 60


@dataclass(frozen=True, kw_only=True)
class Strength:
    """Log-strength beside `anchor`'s 0. `bounded` is whether the votes bound it on both sides."""

    source: str
    value: float
    low: float
    high: float
    bounded: bool


@dataclass(frozen=True, kw_only=True)
class Strengths:
    """`tie` is log ν: two equal sources tie in ν / (2 + ν) of the votes."""

    anchor: str
    of: tuple[Strength, ...]
    tie: float

    def preferred(self, first: str, second: str = REAL) -> float:
        """Expected rate of `first` against `second`, half the ties included."""
        value = {item.source: item.value for item in self.of}
        wins, ties, losses = np.exp(_logs(np.array(value[first] - value[second]), self.tie))
        return float((wins + ties / 2) / (wins + ties + losses))


def strengths(
    votes: pd.DataFrame, *, anchor: str = REAL, confidence: float = 0.95, seed: int = 0
) -> Strengths:
    """By maximum likelihood of Davidson's model (1970, doi 10.1080/01621459.1970.10481082).

    P(i beats j) : P(tie) : P(j beats i) = π_i : ν sqrt(π_i π_j) : π_j. Prompts and raters are drawn
    anew for the intervals. ValueError where no vote concerns the anchor.
    """
    counted = votes[votes["choice"].isin(list(POINTS)) & (votes["first"] != votes["second"])]
    names = sorted(set(counted["first"]) | set(counted["second"]) | {anchor})
    if anchor not in set(counted["first"]) | set(counted["second"]):
        raise ValueError(f"no vote concerns '{anchor}', which anchors the strengths")
    names.remove(anchor)
    names = [anchor, *names]
    place = {name: i for i, name in enumerate(names)}
    found = outcomes(counted)
    first = counted["first"].map(place).to_numpy(np.intp)
    second = counted["second"].map(place).to_numpy(np.intp)

    def fitted(weights: Array) -> tuple[Array, Array]:
        return _fit(*_tables(first, second, found.points, weights, len(names)))

    values, ties = fitted(np.ones((1, len(counted))))
    bounded = _bounded(first, second, found.points, len(names))
    lows, highs = intervals(lambda w: fitted(w)[0], found, confidence=confidence, seed=seed)
    return Strengths(
        anchor=anchor,
        of=tuple(
            Strength(
                source=name,
                value=float(values[0, i]),
                low=float(lows[i]),
                high=float(highs[i]),
                bounded=bool(bounded[i]),
            )
            for i, name in enumerate(names)
        ),
        tie=float(ties[0]),
    )


def _tables(
    first: Indices, second: Indices, points: Array, weights: Array, size: int
) -> tuple[Array, Array]:
    """Of each replicate wins [b, i, j] of i over j, and ties [b, i, j], i < j."""
    wins, ties = (np.zeros((len(weights), size * size)) for _ in range(2))
    winner, loser = np.where(points == 1, first, second), np.where(points == 1, second, first)
    low, high = np.minimum(first, second), np.maximum(first, second)
    for to, cell in ((wins, winner * size + loser), (ties, low * size + high)):
        kept = (points == 0.5) == (to is ties)
        for number in np.unique(cell[kept]):
            to[:, number] = weights[:, kept & (cell == number)].sum(axis=1)
    return wins.reshape(-1, size, size), ties.reshape(-1, size, size)


def _fit(wins: Array, ties: Array) -> tuple[Array, Array]:
    """Log-strengths [b, size], the first 0, and log ν [b], by Newton's method on all replicates.

    With d = θ_i - θ_j the three log-weights are d/2, log ν, -d/2: an exponential family whose
    Hessian is a covariance, so that the objective is convex.
    """
    count, size, _ = wins.shape
    i, j = np.triu_indices(size, 1)
    won, lost, tied = wins[:, i, j], wins[:, j, i], ties[:, i, j]
    total = won + lost + tied
    design = np.zeros((len(i), size + 1))
    design[np.arange(len(i)), i], design[np.arange(len(i)), j] = 1, -1
    prior = np.diag([1e12, *[LOOSE**-2] * size])
    tie = np.zeros(size + 1)
    tie[-1] = 1
    theta = np.zeros((count, size + 1))
    for _ in range(STEPS):
        win, draw_, lose = _probabilities(theta @ design.T, theta[:, -1:])
        slope_d = (won - lost - total * (win - lose)) / 2
        slope_t = tied - total * draw_
        var_d = total * (win + lose - (win - lose) ** 2) / 4
        var_t = total * draw_ * (1 - draw_)
        cross = -total * draw_ * (win - lose) / 2
        slope = slope_d @ design + slope_t.sum(axis=1)[:, None] * tie - theta @ prior
        mixed = np.einsum("bp,pk->bk", cross, design)
        hessian = np.einsum("bp,pk,pl->bkl", var_d, design, design, optimize=True) + prior
        hessian += mixed[:, :, None] * tie + mixed[:, None, :] * tie[:, None]
        hessian += var_t.sum(axis=1)[:, None, None] * np.outer(tie, tie)
        step = np.linalg.solve(hessian, slope[:, :, None])[:, :, 0]
        theta += np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-9:
            break
    return theta[:, :-1] - theta[:, :1], theta[:, -1]


def _logs(apart: Array, tie: Array | float) -> tuple[Array, Array, Array]:
    return apart / 2, np.broadcast_to(tie, apart.shape), -apart / 2


def _probabilities(apart: Array, tie: Array) -> tuple[Array, Array, Array]:
    """Of a win, a tie and a loss, from log π_i - log π_j and log ν."""
    logs = np.stack(_logs(apart, tie))
    odds = np.exp(logs - logs.max(axis=0))
    win, draw_, lose = odds / odds.sum(axis=0)
    return win, draw_, lose


def _bounded(first: Indices, second: Indices, points: Array, size: int) -> NDArray[np.bool_]:
    """Who both beat and was beaten by, perhaps through others, the anchor (Ford 1957)."""
    over = points > 0
    under = points < 1
    rows = np.concatenate([first[over], second[under]])
    columns = np.concatenate([second[over], first[under]])
    graph = csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(size, size))
    _, component = connected_components(graph, directed=True, connection="strong")
    return component == component[0]
