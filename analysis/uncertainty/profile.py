"""Profile likelihoods: how much worse a law fits when one parameter is held elsewhere.

A parameter's interval is where the best fit with it held there is not significantly worse than the
best fit of all. Unlike a standard error it sees that a floor may as well be zero, and it needs no
resampling.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.estimation.estimate import Estimate
from analysis.estimation.problem import Array, Indices, Problems
from analysis.uncertainty.ends import ROUNDS, brackets, end, first, refined, settled
from analysis.uncertainty.held import hold

NOTHING = 1e-4
"""Rises smaller than this are the optimiser's tolerance."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Of one parameter, in the units of the data.

    `rise` [m] at the held `values` [m] is what the fit loses, in units of the residual variance:
    about F with 1 and `freedom` degrees where the held value is true. The `interval` is where it
    is below `threshold`; an end that is not `found` is a bound of the search. A rise well below
    zero tells that the optimum was not the best.
    """

    name: str
    best: float
    values: Array
    rise: Array
    threshold: float
    interval: tuple[float, float]
    found: tuple[bool, bool]
    confidence: float
    freedom: int

    @property
    def identified(self) -> bool:
        """Whether the data limit the parameter on both sides."""
        return all(self.found)

    def sentence(self) -> str:
        """What was found, in words."""
        return self._found() + self._better()

    def _better(self) -> str:
        if (self.rise >= 0).all():
            return ""
        at = self.values[self.rise.argmin()]
        return f" A better fit than the one profiled was met at {at:.4g}: fit from more starts."

    def _found(self) -> str:
        low, high = self.interval
        level = f"at {self.confidence:.0%}"
        if self.identified:
            return f"{self.name} is {self.best:.4g}, between {low:.4g} and {high:.4g} {level}."
        if not any(self.found):
            return f"{self.name} is not identified: {level} the data exclude no value of it."
        least = "zero" if low == 0 else f"{low:.3g}, the least that is searched"
        if self.found[1]:
            return f"{self.name} is at most {high:.4g} {level}; its interval reaches {least}."
        most = f"{high:.3g}, the most that is searched"
        return f"{self.name} is at least {low:.4g} {level}; its interval reaches {most}."


def profiles(
    problems: Problems,
    best: Sequence[Estimate],
    *,
    confidence: float = 0.95,
    clusters: Sequence[Indices] | None = None,
) -> list[dict[str, Profile]]:
    """Of every fitted parameter of each problem, all in the same few calls of the optimiser.

    Residuals are taken to be independent, or to move together within `clusters`: for each problem
    the code [n] of each point's run or rung. Ends are found to 1 % of their distance. With less
    than ten clusters intervals come out too narrow (six rungs that miss the law as much as seeds
    spread: 90 % where 95 % are asked for); the bootstrap's then are the ones to report.
    """
    from scipy.special import fdtri  # only here, for most fits are not profiled

    held = hold(problems, best, clusters)
    thresholds = np.asarray(fdtri(1, held.freedom, confidence), float)
    known = first(held, np.sqrt(thresholds))
    known = settled(held, known, thresholds)
    for _ in range(ROUNDS):
        known = refined(held, known, thresholds)
    out: list[dict[str, Profile]] = [{} for _ in best]
    for k, (item, threshold) in enumerate(zip(known, thresholds, strict=True)):
        owner, name = held.problem[k], problems.law.parameters[held.place[k]]
        outside = brackets(held, k, item, threshold)
        ends = [end(item, bracket, side, threshold) for side, bracket in enumerate(outside)]
        low, high = map(float, held.natural(k, np.array(ends)))
        out[owner][name] = Profile(
            name=name,
            best=best[owner].parameters[name],
            values=held.natural(k, item.values),
            rise=np.where(np.abs(item.rise) < NOTHING, 0, item.rise),
            threshold=float(threshold),
            interval=(low, high),
            found=(outside[0] is not None, outside[1] is not None),
            confidence=confidence,
            freedom=int(held.freedom[k]),
        )
    return out
