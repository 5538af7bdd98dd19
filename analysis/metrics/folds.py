"""Leaving out rungs: one for the error, two so that the smoothness is chosen without the first."""

from itertools import combinations

import numpy as np

from analysis.metrics.clusters import Array, Codes
from analysis.metrics.smooth import Path, through


def folds(rungs: int) -> Array:
    """How often each rung counts [f, g]: all; each left out; then each pair left out."""
    pairs = np.array(list(combinations(range(rungs), 2)))
    without = np.ones((len(pairs), rungs))
    np.put_along_axis(without, pairs, 0.0, axis=1)
    return np.concatenate([np.ones((1, rungs)), 1 - np.eye(rungs), without])


def chosen(errors: Array) -> int:
    """The strength whose errors [s, f, g] on rungs left out are least; ties go to the stronger."""
    rungs = np.arange(errors.shape[2])
    return int(errors[:, 1 + rungs, rungs].sum(axis=1).argmin())


def chosen_without(errors: Array) -> Codes:
    """The same for each rung, judged by the others with that rung out of every fit [g]."""
    rungs = errors.shape[2]
    judged = np.zeros((len(errors), rungs))
    for fold, (first, second) in enumerate(combinations(range(rungs), 2), start=1 + rungs):
        judged[:, first] += errors[:, fold, second]
        judged[:, second] += errors[:, fold, first]
    return judged.argmin(axis=0)


def held_out(path: Path, strengths: Codes, member: Array) -> Array:
    """What the fits without a row's rung, at that rung's own strength [g], predict of it [n]."""
    rung = member.argmax(axis=1)
    return path.predicted[strengths[rung], 1 + rung, np.arange(len(rung))]


def right_order(wrong: Array, strengths: Codes | int) -> Array:
    """Each rung's share of pairs in order [g], by the fit without it, at its strength [g].

    `wrong` [s, f, g] are shares out of order.
    """
    rungs = np.arange(wrong.shape[2])
    return 1 - wrong[strengths, 1 + rungs, rungs]


def scores_of_line(x: Array, y: Array, member: Array) -> Array:
    """What orders runs by a given x [n]: x as the line without each rung turns it [1, 1 + g, n]."""
    without = 1 - np.concatenate([np.zeros((1, len(y))), member.T])
    without /= without.sum(axis=1, keepdims=True)
    line = through(np.broadcast_to(x, without.shape), y, without)
    return (np.sign(line.slope)[:, None] * x)[None]


def held_out_line(x: Array, y: Array, member: Array) -> Array:
    """The same for the line through a given x [n]."""
    without = 1 - member.T
    without /= without.sum(axis=1, keepdims=True)
    line = through(np.broadcast_to(x, without.shape), y, without)
    predicted = line.y_mean[:, None] + line.slope[:, None] * (x - line.x_mean[:, None])
    return predicted[member.argmax(axis=1), np.arange(len(x))]


def out_of_bag(errors: Array, drawn: Array, otherwise: int) -> Codes:
    """Each bootstrap draw's strength, by its errors [s, b, g] on the rungs that it left out [b]."""
    undrawn = drawn == 0
    judged = (errors * undrawn).sum(axis=2)
    return np.where(undrawn.any(axis=1), judged.argmin(axis=0), otherwise)
