"""Where profiles cross their thresholds: every parameter's values tried in the same calls."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from analysis.estimation.problem import Array, Indices
from analysis.uncertainty.held import Held

TRIED = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
"""Where a profile is looked at first: distances from the optimum in half widths by linearising."""
INSIDE, ROUNDS = 4, 3
"""Values tried in every bracket of an end, and how often: brackets shrink 125-fold."""
SWEEPS, GAIN = 12, 1e-3
"""How often values take their neighbours' optima; the share of a rise whose gain is none.

Better optima spread by one value each time; the most is for all values on one side.
"""


class Known(NamedTuple):
    """What was tried of one parameter, in order: values [m] in theta, rises [m], optima [m, P]."""

    values: Array
    rise: Array
    theta: Array


type Bracket = tuple[int, int] | None
"""The last value tried inside an end and the first outside; None if all are inside."""


def first(held: Held, reach: Array) -> list[Known]:
    """The optimum, values on both sides of it, and the bounds; from where linearising leads."""
    steps = np.array([*(-x for x in reversed(TRIED)), 0.0, *TRIED])
    lower, upper = held.bounds()
    inside = held.at_best()[:, None] + np.outer(reach * held.spread, steps)
    values = np.clip(inside, lower[:, None], upper[:, None])
    every = [
        np.unique([low, *row, high]) for low, row, high in zip(lower, values, upper, strict=True)
    ]
    rows = np.repeat(np.arange(len(every)), [len(row) for row in every])
    flat = np.concatenate(every)
    moved = flat - held.at_best()[rows]
    starts = held.theta[rows] + held.along[rows] * moved[:, None]
    return _split(rows, flat, *_better(held, rows, flat, [starts, held.theta[rows]]))


def settled(held: Held, known: list[Known], thresholds: Array) -> list[Known]:
    """The same values from their neighbours' optima, until none gains by it any more.

    Where another parameter is hardly limited, refits from afar get stuck, and a profile that jumps
    would meet its threshold too soon.
    """
    rows = np.repeat(np.arange(len(known)), [len(item.values) for item in known])
    values, rise, theta = (np.concatenate(part) for part in zip(*known, strict=True))
    here, next_is_own = np.arange(len(rows)), rows[1:] == rows[:-1]
    below, above = here - np.append(False, next_is_own), here + np.append(next_is_own, False)
    moved = np.ones(len(rows), bool)
    for _ in range(SWEEPS):
        near = np.flatnonzero(moved[below] | moved[above])
        if not near.size:
            break
        starts = [theta[of[near]] for of in (below, here, above)]
        found, optima = _better(held, rows[near], values[near], starts)
        won = found < rise[near]
        moved[:] = False
        moved[near] = rise[near] > found + GAIN * np.maximum(thresholds[rows[near]], found)
        rise[near[won]], theta[near[won]] = found[won], optima[won]
    return _split(rows, values, rise, theta)


def refined(held: Held, known: list[Known], thresholds: Array) -> list[Known]:
    """More values within the brackets of the ends, spaced geometrically from the optimum."""
    rows, values, starts = [], [], []
    for k, item in enumerate(known):
        centre = held.at_best()[k]
        for bracket in brackets(held, k, item, thresholds[k]):
            if bracket is None:
                continue
            inner, outer = (item.values[i] - centre for i in bracket)
            least = np.sign(outer) * min(1e-3 * held.spread[k], abs(outer) / 2)
            inner = inner if abs(inner) > abs(least) else least
            new = centre + np.geomspace(inner, outer, INSIDE + 2)[1:-1]
            span = item.values[bracket[1]] - item.values[bracket[0]]
            share = ((new - item.values[bracket[0]]) / span)[:, None]
            rows += [k] * INSIDE
            values.append(new)
            starts.append(item.theta[bracket[0]] * (1 - share) + item.theta[bracket[1]] * share)
    if not rows:
        return known
    which, flat = np.array(rows), np.concatenate(values)
    rise, theta = held.refit(which, flat, np.concatenate(starts))
    before = np.repeat(np.arange(len(known)), [len(item.values) for item in known])
    return _split(
        np.concatenate([before, which]),
        np.concatenate([*(item.values for item in known), flat]),
        np.concatenate([*(item.rise for item in known), rise]),
        np.concatenate([*(item.theta for item in known), theta]),
    )


def _better(
    held: Held, rows: Indices, values: Array, starts: Sequence[Array]
) -> tuple[Array, Array]:
    """The best of the refits from several starts [M, P]."""
    count = len(starts)
    rise, theta = held.refit(np.tile(rows, count), np.tile(values, count), np.concatenate(starts))
    rise, theta = rise.reshape(count, -1), theta.reshape(count, len(rows), -1)
    chosen = rise.argmin(axis=0), np.arange(len(rows))
    return rise[chosen], theta[chosen]


def _split(rows: Indices, values: Array, rise: Array, theta: Array) -> list[Known]:
    """By parameter, in order of value."""
    order = np.lexsort((values, rows))
    edges = np.cumsum(np.bincount(rows))
    parts = pairwise([0, *edges])
    cuts = [order[start:end] for start, end in parts]
    return [Known(values[cut], rise[cut], theta[cut]) for cut in cuts]


def brackets(held: Held, row: int, known: Known, threshold: float) -> tuple[Bracket, Bracket]:
    """Of the lower and of the upper end."""
    centre = int(np.abs(known.values - held.at_best()[row]).argmin())
    outside = known.rise > threshold
    below, above = np.flatnonzero(outside[:centre]), np.flatnonzero(outside[centre + 1 :])
    lower = (int(below[-1]) + 1, int(below[-1])) if below.size else None
    upper = (centre + int(above[0]), centre + 1 + int(above[0])) if above.size else None
    return lower, upper


def end(known: Known, bracket: Bracket, side: int, threshold: float) -> float:
    """Where the root of the rise, nearly a straight line, meets that of the threshold."""
    if bracket is None:
        return float(known.values[-side])
    inner, outer = bracket
    roots = np.sqrt(np.maximum(known.rise[[inner, outer]], 0))
    if not np.isfinite(roots[1]):
        return float(known.values[outer])
    share = (np.sqrt(threshold) - roots[0]) / (roots[1] - roots[0])
    return float(known.values[inner] + share * (known.values[outer] - known.values[inner]))
