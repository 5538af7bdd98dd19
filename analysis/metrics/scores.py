"""How well a weighting predicts rungs that it was not fitted to, and whether one beats another."""

from dataclasses import dataclass
from itertools import product

import numpy as np

from analysis.metrics.clusters import Array

EXACT_UP_TO = 12
FLIPS = 4096
ROUNDING = 1e-10


@dataclass(frozen=True, kw_only=True)
class Score:
    """Errors on rungs left out: `r2` against predicting the others' mean, `rmse`, and by rung.

    `exponent` is b of target ~ loss^b, fitted to all rungs. `order` is the share of pairs put in
    the right order, one of the pair of the rung left out; guessing gives a half. `rung_orders` are
    the same by rung (not-a-number where a rung has no pair).
    """

    name: str
    label: str
    r2: float
    rmse: float
    exponent: float
    rung_errors: tuple[float, ...]
    order: float
    rung_orders: tuple[float, ...]


def score(
    name: str,
    label: str,
    residual: Array,
    null: Array,
    member: Array,
    exponent: float,
    right: Array,
    pairs: Array,
) -> Score:
    """From residuals of rungs left out [n] and those of the mean [n]; `member` [n, g] of rungs.

    `right` [g] is each rung's share of its `pairs` [g] put in order by a fit without it. Residuals
    that are rounding alone count as none.
    """
    residual = np.where(np.abs(residual) > ROUNDING * np.abs(null).max(), residual, 0.0)
    return Score(
        name=name,
        label=label,
        r2=float(1 - (residual**2).sum() / (null**2).sum()),
        rmse=float(np.sqrt(np.mean(residual**2))),
        exponent=float(exponent),
        rung_errors=tuple(map(float, rung_errors(residual, member))),
        order=float(np.nansum(right * pairs) / pairs.sum()),
        rung_orders=tuple(map(float, right)),
    )


def rung_errors(residual: Array, member: Array) -> Array:
    """Root mean square by rung [g]."""
    return np.sqrt(member.T @ residual**2 / member.sum(axis=0))


def sign_flip(gains: Array) -> float:
    """One-sided p of a positive mean gain [g], were the sign of each gain a toss of a coin.

    Fisher's randomisation test: exact for few rungs, where its least value is 2^-g. Of several
    rows of gains [w, g] the p of the largest mean, for the row was picked for being largest.
    """
    rows = np.atleast_2d(gains)
    count = rows.shape[1]
    if count <= EXACT_UP_TO:
        flips = np.array(list(product((1.0, -1.0), repeat=count)))
    else:
        flips = np.random.default_rng(0).choice([1.0, -1.0], (FLIPS, count))
        flips[0] = 1
    largest = (flips @ rows.T).max(axis=1)
    return float(np.mean(largest >= largest[0] - 1e-12 * np.abs(rows).sum()))
