"""Do likelihood and the fitted loss order the models alike?"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import hypot

from analysis.rungs import Mean

ERRORS = 2.0
"""Models are told apart by a metric where they differ by more than this many standard errors."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """One rung of one series: its fitted loss and its bits per dimension, at the last horizon."""

    name: str
    loss: Mean
    bits: Mean


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """`disagreements` are (better by the loss, better by likelihood), of `told_apart` pairs."""

    told_apart: int
    disagreements: tuple[tuple[str, str], ...]

    def sentence(self) -> str:
        """What was found, in words."""
        pairs = f"{self.told_apart} pair{'s' * (self.told_apart != 1)} of models"
        if not self.told_apart:
            return "No two models are told apart by both the loss and the likelihood."
        if not self.disagreements:
            return f"Loss and likelihood order all {pairs} that both tell apart alike."
        shown = "; ".join(
            f"{a} has the lower loss, {b} the higher likelihood" for a, b in self.disagreements[:5]
        )
        more = len(self.disagreements) - 5
        rest = f"; and {more} more" if more > 0 else ""
        return (
            f"Loss and likelihood disagree on {len(self.disagreements)} of {pairs} that both tell "
            f"apart: {shown}{rest}."
        )


def agreement(models: Sequence[Model]) -> Agreement | None:
    """Compare every two models; None with fewer than two."""
    if len(models) < 2:
        return None
    told, apart = 0, []
    for one, other in combinations(models, 2):
        signs = [_sign(getattr(one, kind), getattr(other, kind)) for kind in ("loss", "bits")]
        told += all(signs)
        if signs[0] * signs[1] < 0:
            better = (one, other) if signs[0] < 0 else (other, one)
            apart.append((better[0].name, better[1].name))
    return Agreement(told_apart=told, disagreements=tuple(apart))


def _sign(one: Mean, other: Mean) -> int:
    """Of one minus other; 0 where they are not told apart (also without repeated seeds)."""
    reach = ERRORS * hypot(one.standard_error, other.standard_error)
    difference = one.value - other.value
    return (difference > reach) - (difference < -reach)
