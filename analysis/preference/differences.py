"""How far apart two rates are, from votes that may share prompts and raters."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from analysis.preference.clusters import ENOUGH_RATERS
from analysis.preference.outcomes import Array, Indices, outcomes
from analysis.rounding import rounded


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Of two rates, with an interval that is open while votes are few."""

    value: float
    low: float
    high: float

    @property
    def told_apart(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low > 0 or self.high < 0

    def __str__(self) -> str:
        value, low, high = rounded(self.value, self.low, self.high)
        return f"{value} [{low}, {high}]"


def difference(
    first: pd.DataFrame, second: pd.DataFrame, *, confidence: float = 0.95
) -> Difference:
    """The rate of the votes `first` less that of `second`; [-1, 1] around nan without either.

    Each side has one success and one failure more than was voted (Agresti & Caffo 2000, doi
    10.1080/00031305.2000.10474560), which keeps few or unanimous votes from seeming sure; the value
    is of the votes alone. The residuals of both sides are summed over each prompt before they are
    squared, so that a prompt that both share counts once; raters are where there are enough, as in
    `clusters.intervals`. Student's t has the degrees of freedom of the fewer clusters.
    """
    both = pd.concat([first, second], ignore_index=True)
    found = outcomes(both)
    counted = both["choice"].isin(["first", "tie", "second"]).to_numpy()
    on_first = (np.arange(len(both)) < len(first))[counted]
    if on_first.all() or not on_first.any():
        return Difference(value=float("nan"), low=-1.0, high=1.0)
    moved, added, shrunk = np.zeros(len(on_first)), 0.0, 0.0
    for side, sign in ((on_first, 1.0), (~on_first, -1.0)):
        points, count = found.points[side], side.sum() + 2
        rate = (points.sum() + 1) / count
        moved[side] = sign * (points - rate) / count
        added += (rate**2 + (1 - rate) ** 2) / count**2
        shrunk += sign * rate
    variance, clusters = _variance(moved, found.prompt), [found.prompts]
    if found.raters >= ENOUGH_RATERS:
        of_raters = _variance(moved, found.rater)
        clusters.append(found.raters)
        variance = max(variance, of_raters, variance + of_raters - float((moved**2).sum()))
    freedom = max(1, min(clusters) - 1)
    reach = float(stats.t.isf((1 - confidence) / 2, freedom)) * np.sqrt(variance + added)
    value = float(found.points[on_first].mean() - found.points[~on_first].mean())
    return Difference(
        value=value,
        low=max(-1.0, min(value, shrunk - reach)),
        high=min(1.0, max(value, shrunk + reach)),
    )


def _variance(moved: Array, cluster: Indices) -> float:
    """Of a sum of residuals that are drawn together cluster by cluster."""
    return float((np.bincount(cluster, moved) ** 2).sum())
