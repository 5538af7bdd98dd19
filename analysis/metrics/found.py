"""What a search for a weighting found, and how to say it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from analysis.metrics.scores import Score

LEVEL = 0.05
EVERYTHING_PREDICTS, FEW_RUNGS = 0.9, 7


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A search that was not made, and why."""

    target: str
    within: bool
    reason: str

    def sentence(self) -> str:
        """The reason, in words."""
        return f"{_asked(self.target, self.within)}: no weighting was searched for; {self.reason}."

    def order_sentence(self) -> str:
        """Nothing more: the reason is the same."""
        return ""


@dataclass(frozen=True, kw_only=True)
class WeightingSearch:
    """The weighting found, its band, and how it and the published ones predict rungs left out.

    `weighting` [k] is of the epsilon-error, scaled so that the mean run's loss, int w `loss`, is
    one; `low` and `high` are its pointwise interval from a bootstrap over rungs. `p_better` tests
    the searched weighting against the best fixed one, `p_nothing` the better of both against
    predicting the mean (analysis.metrics.scores.sign_flip). `logs`: the target's logarithm is
    predicted. `error` is the one that was recorded.

    `by_order` is the weighting searched for the target's order alone; `p_order_better` tests it
    against the published one that orders best, `p_no_order` the best of all against guessing.
    """

    target: str
    within: bool
    logs: bool
    error: str
    runs: int
    rungs: int
    log_snr: tuple[float, ...]
    loss: tuple[float, ...]
    weighting: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    strength: float
    searched: Score
    fixed: tuple[Score, ...]
    p_better: float
    p_nothing: float
    by_order: Score
    p_order_better: float
    p_no_order: float

    @property
    def best_fixed(self) -> Score:
        """The published weighting that predicts best."""
        return max(self.fixed, key=lambda item: item.r2)

    @property
    def verdict(self) -> Literal["nothing", "better", "not better"]:
        """Whether anything predicts the target, and if so whether the search gained anything."""
        if max(self.searched.r2, self.best_fixed.r2) <= 0 or self.p_nothing >= LEVEL:
            return "nothing"
        return "better" if self.p_better < LEVEL else "not better"

    @property
    def order_verdict(self) -> Literal["nothing", "better", "not better"]:
        """The same of the target's order."""
        if self.p_no_order >= LEVEL:
            return "nothing"
        return "better" if self.p_order_better < LEVEL else "not better"

    def sentence(self) -> str:
        """What was found, in words."""
        rival, asked = self.best_fixed, _asked(self.target, self.within)
        ours, theirs = (self._error(item) for item in (self.searched, rival))
        if self.verdict == "nothing":
            return (
                f"{asked}: no weighting of the loss is seen to predict it on rungs left out "
                f"(searched {ours}; best published, {rival.label}, {theirs}; {self.rungs} "
                f"rungs).{self._few()}"
            )
        than = "predicts it better than" if self.verdict == "better" else "is not better than"
        return (
            f"{asked}: on rungs left out the searched weighting ({ours}) {than} the best "
            f"published one, {rival.label} ({theirs}; p = {self.p_better:.2g}, {self.rungs} "
            f"rungs).{self._few() if self.verdict == 'not better' else ''}{self._caution()}"
        )

    def order_sentence(self) -> str:
        """What was found of the target's order, in words."""
        rival = max(self.fixed, key=lambda item: item.order)
        asked = _asked(self.target, self.within)
        ours, theirs = (f"{100 * item.order:.0f}%" for item in (self.by_order, rival))
        if self.order_verdict == "nothing":
            return (
                f"{asked}, order alone: no weighting is seen to order runs of rungs left out "
                f"better than guessing (searched {ours} of pairs; best published, {rival.label}, "
                f"{theirs})."
            )
        than = "better than" if self.order_verdict == "better" else "not told to be better than"
        return (
            f"{asked}, order alone: of pairs with a run of a rung left out the weighting searched "
            f"for it puts {ours} in order, {than} the best published one, {rival.label} ({theirs}; "
            f"p = {self.p_order_better:.2g})."
        )

    def _error(self, score: Score) -> str:
        error = f"{100 * score.rmse:.2g}%" if self.logs else f"{score.rmse:.2g}"
        return f"error {error}, R² {score.r2:.2f}"

    def _few(self) -> str:
        if self.rungs >= FEW_RUNGS:
            return ""
        return f" With {self.rungs} rungs only a gain at nearly every one is told from luck."

    def _caution(self) -> str:
        least = min(item.r2 for item in self.fixed)
        if not self.within and least > EVERYTHING_PREDICTS:
            return (
                f" Every weighting predicts it (R² at least {least:.2f}), for both improve with "
                "size; ask within rungs."
            )
        return ""


def _asked(target: str, within: bool) -> str:
    return f"{target} between runs of one rung" if within else f"{target} across runs"


def most_telling(found: Sequence[WeightingSearch | Refused]) -> WeightingSearch | None:
    """Of several, one that is better than the published ones, else the first that was searched."""
    searched = [item for item in found if isinstance(item, WeightingSearch)]
    better = [item for item in searched if item.verdict == "better"]
    return next(iter([*better, *searched]), None)
