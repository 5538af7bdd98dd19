"""How one sweep's curve differs from another's, and how to say it."""

import math
from dataclasses import dataclass

from analysis.scale.band import Band


def in_words(variable: str) -> str:
    """What a curve runs along, as sentences have it."""
    return {"flops": "training FLOPs"}.get(variable, variable)


@dataclass(frozen=True, kw_only=True)
class Shift:
    """Sweep `other` against `baseline`, by floor laws with one or two exponents.

    They have one floor unless `own_floors`; `floor_apart` is the other's less the baseline's where
    each has its own (None where that was not asked). `multiplier` is the factor on x by which the
    baseline comes as near to its floor as the other to its own, the exponents being one: with one
    floor, by which it reaches the other's loss. `multiplier_at` is the factor for the other's loss
    at x = `at`, with an exponent each; infinite where the baseline's floor lies above that loss.
    `steeper` is the other's exponent less the baseline's. `objectives` are of both fits, one
    exponent first. All intervals hold together with at least that `confidence`, so that two samples
    of one curve are told apart no more often than it allows.
    """

    baseline: str
    other: str
    variable: str
    multiplier: Band
    at: float
    multiplier_at: Band
    exponents: tuple[Band, Band]
    steeper: Band
    floors: tuple[Band, Band]
    own_floors: bool
    floor_apart: Band | None
    objectives: tuple[float, float]
    confidence: float

    @property
    def verdict(self) -> str:
        """Whether the curves differ in floor, else in slope, else in place, else not."""
        if self.own_floors and self.floor_apart and _leaves(self.floor_apart, 0):
            return "another floor"
        if _leaves(self.steeper, 0):
            return "steeper" if self.steeper.low > 0 else "shallower"
        return "shifted" if _leaves(self.multiplier, 1) else "not told apart"

    def sentence(self) -> str:
        """What was found, in words."""
        of, x = f"{self.other} against {self.baseline}", in_words(self.variable)
        difference = f"its exponent differs by {self.steeper}"
        alone = " with a floor for each" if self.own_floors else ""
        sure = ""
        if self.floor_apart and not self.own_floors:  # a small difference passes for one of slope
            sure = f", taking one floor for both (with one each they differ by {self.floor_apart})"
        told = {
            "another floor": f"its floor differs, by {self.floor_apart}, so no one factor on {x} "
            f"makes the curves one; above the floors {difference}; {self._at()}",
            "steeper": f"steeper{alone}, {difference}{sure}; {self._at()}",
            "shallower": f"shallower{alone}, {difference}{sure}; {self._at()}",
            "shifted": f"shifted{alone}, not told to be steeper ({difference}); {self._factor()}",
            "not told apart": f"not told apart{alone}; {self._factor()}, and {difference}",
        }
        return f"{of}: {told[self.verdict]}."

    def _factor(self) -> str:
        reach = "to come as near to its floor" if self.own_floors else "for the same loss"
        return (
            f"{self.baseline} needs {self.multiplier} times the {in_words(self.variable)} {reach}"
        )

    def _at(self) -> str:
        x = in_words(self.variable)
        at = f"{x} = {self.at:.3g}"
        if math.isinf(self.multiplier_at.value):
            return f"{self.baseline} never comes to its loss at {at}"
        return f"at {at} it is worth {self.multiplier_at} times the {x}"


def _leaves(band: Band, value: float) -> bool:
    return band.low > value or band.high < value
