"""Scores of weightings on rungs that they were not fitted to: their errors and their order."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analysis.metrics import folds
from analysis.metrics.clusters import Array, Codes
from analysis.metrics.ordering import misordered
from analysis.metrics.scores import Score, score
from analysis.metrics.smooth import Path, Problem, through


@dataclass(frozen=True, kw_only=True)
class Judge:
    """What was to be predicted: `y` [n] of rungs [n, g], whose pairs have `signs` [n, n]."""

    y: Array
    member: Array
    signs: Array

    @cached_property
    def null(self) -> Array:
        """Residuals [n] of predicting the other rungs' mean."""
        return self.y - folds.held_out_line(np.zeros_like(self.y), self.y, self.member)

    @cached_property
    def pairs(self) -> Array:
        """How many pairs each rung has a run in [g]."""
        return np.abs(self.signs).sum(axis=1) @ self.member

    def told(self, of: Score) -> Array:
        """Shares of pairs in order of the rungs that have any [< g]."""
        return np.array(of.rung_orders)[self.pairs > 0]

    def of_path(
        self, name: str, label: str, path: Path, strengths: Codes, exponent: float
    ) -> Score:
        """Of fits of values without each rung, at that rung's own strength [g]."""
        rungs = self.member.shape[1]
        wrong = misordered(path.predicted[:, : 1 + rungs], self.signs, self.member)
        residual = self.y - folds.held_out(path, strengths, self.member)
        return self._score(name, label, residual, exponent, folds.right_order(wrong, strengths))

    def of_order(self, problem: Problem, path: Path) -> Score:
        """Of fits of the order; values are told by a line through the scores of the other rungs."""
        wrong = misordered(path.predicted, self.signs, self.member)
        judged = np.nan_to_num(wrong, nan=0.0)
        best, strengths = folds.chosen(judged), folds.chosen_without(judged)
        rungs = np.arange(len(strengths))
        scores = path.predicted[strengths, 1 + rungs]  # [g, n]
        rows = self.member.argmax(axis=1), np.arange(len(self.y))
        every = [folds.held_out_line(x, self.y, self.member) for x in scores]
        residual = self.y - np.stack(every)[rows]
        x = problem.x(path.theta[best, :1])
        slope = through(x, self.y, np.full(x.shape, 1 / len(self.y))).slope[0]
        right = folds.right_order(wrong, strengths)
        return self._score("by_order", "searched for order", residual, slope, right)

    def of_line(self, name: str, label: str, x: Array) -> Score:
        """Of a given x [n] with only the line to fit."""
        residual = self.y - folds.held_out_line(x, self.y, self.member)
        slope = through(x[None], self.y, np.full((1, len(x)), 1 / len(x))).slope[0]
        turned = folds.scores_of_line(x, self.y, self.member)
        right = folds.right_order(misordered(turned, self.signs, self.member), 0)
        return self._score(name, label, residual, slope, right)

    def _score(self, name: str, label: str, residual: Array, slope: float, right: Array) -> Score:
        return score(name, label, residual, self.null, self.member, slope, right, self.pairs)
