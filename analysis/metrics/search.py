"""Which weighting of the per-noise-level loss best predicts another metric of the same runs?

log target = a + b log sum_k h_k w_k L_k with a smooth positive w (analysis.metrics.smooth). Its
smoothness is chosen by leaving out one rung at a time, and the error that is reported is of rungs
that took no part in that choice either. All seeds of a rung are left out together. The published
weightings face the same splits with only a and b to fit. A second search asks for the target's
order alone (analysis.metrics.ordering), by the same rules.
"""

import numpy as np

from analysis.metrics import folds
from analysis.metrics.clusters import Array, Codes, centring, draws, indicator
from analysis.metrics.found import Refused, WeightingSearch
from analysis.metrics.judge import Judge
from analysis.metrics.ordering import comparable, walk_order
from analysis.metrics.scores import Score, rung_errors, sign_flip
from analysis.metrics.smooth import Path, Problem, roughness, walk
from analysis.metrics.weightings import FIXED, RATIOS, cells, quadrature
from analysis.uncertainty.tails import tails

STRENGTHS = np.geomspace(1.0, 1e-7, 8)
UNDERSMOOTHED = 1
"""Steps down STRENGTHS that the band's fits take, so that it holds what smoothing hides as well.

With it about 95 % of levels were covered in simulations (eight rungs of three seeds), else 90 %.
"""
FEWEST_RUNGS = 5
"""With four, a search that wins at every rung does so by chance once in sixteen."""


def search_arrays(
    log_snr: Array,
    losses: Array,
    target: Array,
    rungs: Codes,
    *,
    name: str = "target",
    error: str = "v",
    groups: Codes | None = None,
    count: int = 500,
    confidence: float = 0.95,
    seed: int = 0,
) -> WeightingSearch | Refused:
    """Search on losses [n, k] at log_snr [k] and a target [n] of runs that belong to rungs [n].

    Values are centred within `groups` [n] first, each of which lies within one rung. `error` is
    whose error the losses are (a key of RATIOS).
    """
    within, logs = groups is not None, bool((target > 0).all())
    if reason := _reason(losses, rungs, within):
        return Refused(target=name, within=within, reason=reason)
    inside = centring(groups) if groups is not None else None
    y = _inside(np.log(target) if logs else target, inside)
    if np.ptp(y) <= 1e-12:
        return Refused(target=name, within=within, reason="it does not vary")
    width, epsilon, member = cells(log_snr), losses / RATIOS[error](log_snr), indicator(rungs)
    mean = epsilon.mean(axis=0)
    parts = width * epsilon / (width @ mean)
    problem = Problem(parts=parts, y=y, penalty=roughness(log_snr), centring=inside)
    splits, drawn = folds.folds(member.shape[1]), draws(member.shape[1], count, seed)[1:]
    if any(np.ptp(y[kept > 0]) <= 1e-12 for kept in splits @ member.T):
        return Refused(target=name, within=within, reason="it varies at one rung alone")
    path = walk(problem, np.concatenate([splits, drawn]) @ member.T, STRENGTHS)
    errors = (y - path.predicted) ** 2 @ member
    best = folds.chosen(errors[:, : len(splits)])
    judge = Judge(y=y, member=member, signs=comparable(y, rungs, groups))
    strengths = folds.chosen_without(errors[:, : len(splits)])
    searched = judge.of_path("searched", "searched", path, strengths, path.slope[best, 0])
    ordered = walk_order(problem, judge.signs, splits @ member.T, STRENGTHS)
    by_order = judge.of_order(problem, ordered)
    fixed = _published(log_snr, losses, error, problem, judge)
    rival, first = max(fixed, key=lambda item: item.r2), max(fixed, key=lambda item: item.order)
    leader = max(searched, rival, key=lambda item: item.r2)
    which = folds.out_of_bag(errors[:, len(splits) :], drawn, best) + UNDERSMOOTHED
    found, low, high = _band(path, best, which, width * mean, confidence)
    return WeightingSearch(
        target=name,
        within=within,
        logs=logs,
        error=error,
        runs=len(y),
        rungs=member.shape[1],
        log_snr=_tuple(log_snr),
        loss=_tuple(mean),
        weighting=_tuple(found),
        low=_tuple(low),
        high=_tuple(high),
        strength=float(STRENGTHS[best]),
        searched=searched,
        fixed=fixed,
        p_better=sign_flip(np.subtract(rival.rung_errors, searched.rung_errors)),
        p_nothing=sign_flip(rung_errors(judge.null, member) - np.array(leader.rung_errors)),
        by_order=by_order,
        p_order_better=sign_flip(judge.told(by_order) - judge.told(first)),
        p_no_order=sign_flip(np.stack([judge.told(item) for item in (by_order, *fixed)]) - 0.5),
    )


def _inside(values: Array, centring: Array | None) -> Array:
    return values if centring is None else centring @ values


def _published(
    log_snr: Array, losses: Array, error: str, problem: Problem, judge: Judge
) -> tuple[Score, ...]:
    """The published weightings on the same rungs left out."""
    scores = []
    for name, item in FIXED.items():
        q = quadrature(lambda at, item=item: item.on_recorded(at, error), log_snr)
        scores.append(
            judge.of_line(name, item.label, _inside(np.log(losses @ q), problem.centring))
        )
    return tuple(scores)


def _band(
    path: Path, best: int, which: Codes, scale: Array, confidence: float
) -> tuple[Array, Array, Array]:
    """The weighting fitted to all and its percentile interval [k]; each has sum w scale = 1."""
    first = path.theta.shape[1] - len(which)
    which = np.minimum(which, len(path.theta) - 1)
    drawn = path.theta[which, first + np.arange(len(which))]
    weightings = np.exp(np.concatenate([path.theta[best, :1], drawn]))
    weightings /= (weightings @ scale)[:, None]
    found = weightings[0]
    if not len(which):
        return found, np.full_like(found, np.nan), np.full_like(found, np.nan)
    low, high = np.quantile(weightings[1:], tails(confidence), axis=0)
    return found, np.minimum(low, found), np.maximum(high, found)


def _reason(losses: Array, rungs: Codes, within: bool) -> str | None:
    """Why there is nothing to search, in words."""
    total = len(np.unique(rungs))
    if total < FEWEST_RUNGS:
        seeds = " with repeated seeds" if within else ""
        return (
            f"{total} {'rung' if total == 1 else 'rungs'}{seeds} cannot tell a weighting from "
            f"luck, which takes at least {FEWEST_RUNGS}"
        )
    positive = bool((losses > 0).all())
    return None if positive else "some of the losses at noise levels are not positive"


def _tuple(values: Array) -> tuple[float, ...]:
    return tuple(map(float, values))
