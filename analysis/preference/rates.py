"""How often generated images are preferred: wins and half the ties, with honest intervals."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from analysis.preference.clusters import ENOUGH_RATERS, intervals
from analysis.preference.outcomes import Array, against_real, outcomes
from analysis.rounding import rounded


@dataclass(frozen=True, kw_only=True)
class Rate:
    """Of the first image of each pair: (wins + ties / 2) / votes. Skips are counted apart."""

    value: float
    low: float
    high: float
    votes: int
    ties: int
    skipped: int
    prompts: int
    raters: int
    method: str

    @property
    def tie_rate(self) -> float:
        """Share of the votes that call neither better."""
        return self.ties / self.votes if self.votes else float("nan")

    @property
    def standard_error(self) -> float:
        """Of the wider side, so that no side of value ± 1.96 of them is too short."""
        reach = max(self.high - self.value, self.value - self.low)
        return reach / float(stats.norm.isf(0.025))

    def __str__(self) -> str:
        value, low, high = rounded(self.value, self.low, self.high)
        return f"{value} [{low}, {high}]"


def rate(votes: pd.DataFrame, *, confidence: float = 0.95, seed: int = 0) -> Rate:
    """Of all these votes together; nan without any.

    Where each prompt was voted on once, by one rater or by as many, votes are independent and the
    interval is Wilson's (1927). Else prompts, and raters if there are enough, are drawn anew; the
    interval is never narrower than Wilson's of as many independent votes, which also keeps it open
    at 0 and 1.
    """
    found = outcomes(votes)
    n, value = len(found.points), float("nan")
    low, high, method = 0.0, 1.0, "none"
    if n:
        value = float(found.points.mean())
        low, high = wilson(value, n, confidence)
        method = "wilson"
    if n and not found.independent:
        ends = intervals(lambda w: _mean(w, found.points), found, confidence=confidence, seed=seed)
        low, high = max(0.0, min(low, float(ends[0][0]))), min(1.0, max(high, float(ends[1][0])))
        method = "prompts and raters" if found.raters >= ENOUGH_RATERS else "prompts"
    return Rate(
        value=value,
        low=low,
        high=high,
        votes=n,
        ties=int((found.points == 0.5).sum()),
        skipped=found.skipped,
        prompts=found.prompts,
        raters=found.raters,
        method=method,
    )


def _mean(weights: Array, points: Array) -> Array:
    """[b, 1] of weights [b, n]; nan where nothing has weight."""
    with np.errstate(invalid="ignore"):
        return (weights @ points / weights.sum(axis=1))[:, None]


def wilson(share: float, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's (1927) score interval of a share of n independent votes; half points may be in it.

    (p + z²/2n ± z sqrt(p (1 - p) / n + z²/4n²)) / (1 + z²/n).
    """
    z = float(stats.norm.isf((1 - confidence) / 2))
    middle = share + z**2 / (2 * n)
    reach = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return float((middle - reach) / (1 + z**2 / n)), float((middle + reach) / (1 + z**2 / n))


def rates_by_run(votes: pd.DataFrame, *, confidence: float = 0.95) -> Iterator[tuple[str, Rate]]:
    """Of each run against real images, of the votes given."""
    for run, group in against_real(votes).groupby("first", sort=True):
        yield str(run), rate(group, confidence=confidence)


def controls(votes: pd.DataFrame, *, confidence: float = 0.95) -> Rate:
    """Real against real, by which side was shown left: 0.5 where the rater has no bias of side."""
    found = votes[votes["kind"] == "control"]
    left = found["choice"] == found["left"]
    side = np.where(found["choice"].isin(["tie", "skip"]), found["choice"], "second")
    return rate(found.assign(choice=np.where(left, "first", side)), confidence=confidence)
