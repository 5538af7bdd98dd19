"""Fitting a smooth, positive weighting so that the weighted losses put runs in the target's order.

With x = log sum_k w_k parts_k (analysis.metrics.smooth) and s_ij = 1 where run i's target is the
larger, the objective of one fit is the logistic loss over pairs

    sum_ij c_i c_j log2(1 + exp(-s_ij b (x_i - x_j))) / sum_ij c_i c_j + strength * theta' P theta

of Burges et al. 2005 (RankNet, ICML, doi 10.1145/1102351.1102363), with little more to keep b
finite. Only the order of the target is read: any rising function of it gives the same weighting.
"""

import numpy as np

from analysis.metrics.clusters import Array, Codes
from analysis.metrics.smooth import LARGEST_STEP, LARGEST_THETA, Path, Problem

STEPS = 8
"""Newton steps at each strength of the path."""
RIDGE = 1e-3
"""Of b, in units of the spread of x: pairs that are all in order would make it infinite."""
LARGEST = 4_000_000
"""Numbers in an array of fits by pairs."""


def comparable(target: Array, rungs: Codes, groups: Codes | None) -> Array:
    """s [n, n]: the sign of target_i - target_j, 0 where two runs are not compared.

    They are where they share a group, or without `groups` where their rungs differ.
    """
    compared = rungs[:, None] != rungs if groups is None else groups[:, None] == groups
    return np.sign(target[:, None] - target) * compared


def misordered(scores: Array, signs: Array, member: Array) -> Array:
    """The share [..., g] of each rung's pairs that scores [..., n] put in the wrong order.

    Equal scores are half wrong. Not-a-number for a rung without a pair.
    """
    pairs = np.abs(signs).sum(axis=1) @ member
    wrong = np.empty((*scores.shape[:-1], member.shape[1]))
    for at in np.ndindex(scores.shape[:-1]):
        apart = signs * np.sign(scores[at][:, None] - scores[at])
        wrong[at] = ((np.abs(signs) - apart) / 2).sum(axis=1) @ member
    return wrong / np.where(pairs > 0, pairs, np.nan)


def walk_order(problem: Problem, signs: Array, counts: Array, strengths: Array) -> Path:
    """Fit each row of counts [b, n] at each of the falling strengths [s].

    `slope` is b per spread of x, `predicted` are the scores b x.
    """
    largest = max(LARGEST // signs.size, 1)
    parts = [
        _walk(problem, signs, counts[start : start + largest], strengths)
        for start in range(0, len(counts), largest)
    ]
    names = ("theta", "slope", "predicted")
    return Path(**{name: np.concatenate([getattr(p, name) for p in parts], 1) for name in names})


def _walk(problem: Problem, signs: Array, counts: Array, strengths: Array) -> Path:
    weight = counts[:, :, None] * counts[:, None, :] * np.abs(signs)
    weight /= weight.sum(axis=(1, 2), keepdims=True)
    k = problem.parts.shape[1]
    flat = problem.x(np.zeros((1, k)))[0]
    scale = float(flat.std()) or 1.0
    slope = np.sign((weight * signs * (flat[:, None] - flat)).sum(axis=(1, 2)))
    # The last of q is b.
    q = np.concatenate([np.zeros((len(counts), k)), np.where(slope < 0, -1.0, 1.0)[:, None]], 1)
    damping, found = np.full(len(q), 1e-3), []
    for strength in strengths:
        penalty = np.zeros((k + 1, k + 1))
        penalty[:k, :k], penalty[k, k] = strength * problem.penalty, RIDGE
        for _ in range(STEPS):
            q, damping = _step(problem, signs, weight, penalty, scale, q, damping)
        scores = q[:, -1:] * problem.x(q[:, :-1]) / scale
        found.append((q[:, :-1], q[:, -1], scores))
    theta, slope, predicted = (np.stack(part) for part in zip(*found, strict=True))
    return Path(theta=theta, slope=slope, predicted=predicted)


def _margins(problem: Problem, signs: Array, scale: float, q: Array) -> Array:
    """s_ij b (x_i - x_j) [b, n, n]."""
    f = q[:, -1:] * problem.x(q[:, :-1]) / scale
    return signs * (f[:, :, None] - f[:, None, :])


def _objective(weight: Array, penalty: Array, margins: Array, q: Array) -> Array:
    loss = (weight * np.logaddexp(0, -margins)).sum(axis=(1, 2)) / np.log(2)
    return loss + ((q @ penalty) * q).sum(axis=1)


def _step(
    problem: Problem,
    signs: Array,
    weight: Array,
    penalty: Array,
    scale: float,
    q: Array,
    damping: Array,
) -> tuple[Array, Array]:
    """One damped Newton step of every fit, kept where it lowers the objective."""
    margins = _margins(problem, signs, scale, q)
    wrong = 1 / (1 + np.exp(np.clip(margins, -500, 500)))
    theta, slope = q[:, :-1], q[:, -1, None, None]
    by = np.concatenate(
        [slope * problem.derivative(theta), problem.x(theta)[:, :, None]], axis=2
    ) / scale  # fmt: skip
    # Sums over pairs of differences are products with a graph's Laplacian.
    pull = (weight * wrong * signs).sum(axis=2) - (weight * wrong * signs).sum(axis=1)
    bend = weight * wrong * (1 - wrong)
    degree = bend.sum(axis=1) + bend.sum(axis=2)
    turned = np.swapaxes(by, 1, 2)
    curvature = turned @ (degree[:, :, None] * by) - turned @ (
        (bend + np.swapaxes(bend, 1, 2)) @ by
    )
    curvature = curvature / np.log(2) + 2 * penalty
    gradient = -(turned @ pull[:, :, None])[:, :, 0] / np.log(2) + 2 * q @ penalty
    size = np.trace(curvature, axis1=1, axis2=2) / q.shape[1]
    ridge = (damping * size + 1e-300)[:, None, None] * np.eye(q.shape[1])
    move = -np.linalg.solve(curvature + ridge, gradient[:, :, None])[:, :, 0]
    moved = q + np.clip(move, -LARGEST_STEP, LARGEST_STEP)
    moved[:, :-1] = np.clip(moved[:, :-1], -LARGEST_THETA, LARGEST_THETA)
    there = _objective(weight, penalty, _margins(problem, signs, scale, moved), moved)
    lower = there < _objective(weight, penalty, margins, q)
    damping = np.clip(np.where(lower, damping / 5, damping * 10), 1e-9, 1e6)
    return np.where(lower[:, None], moved, q), damping
