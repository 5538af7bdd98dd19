"""Proxy judges beside people: pair by pair, run by run, and by how much they are biased."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from analysis.preference.clusters import intervals
from analysis.preference.outcomes import POINTS, Array, Outcomes, against_real
from analysis.rounding import rounded


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A number with its interval over prompts drawn anew; nan where nothing bears on it."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        if not np.isfinite(self.value):
            return "-"
        value, low, high = rounded(self.value, self.low, self.high)
        return f"{value} [{low}, {high}]"


@dataclass(frozen=True, kw_only=True)
class ProxyAgreement:
    """How a judge's votes compare with people's on the same pairs.

    `accuracy`: 1 for the same choice, 1/2 where one calls a tie, 0 for the opposite, averaged over
    people's votes; `ceiling`: the same of people among themselves; `bias`: the judge's rate of
    preferring generated images less people's, mean over runs; `ranks`: Spearman's correlation of
    the two rates across runs.
    """

    judge: str
    pairs: int
    runs: int
    accuracy: Measured
    ceiling: Measured
    bias: Measured
    ranks: Measured


def proxy_agreements(
    votes: pd.DataFrame, *, confidence: float = 0.95, seed: int = 0
) -> Iterator[ProxyAgreement]:
    """Every judge that voted on pairs of generated against real images that people saw too."""
    found = against_real(votes)
    found = found[found["choice"].isin(list(POINTS))]
    found = found.assign(points=found["choice"].map(POINTS).astype(float))
    people = found[found["rater_kind"] == "human"]
    ceiling = _measure(_alike(people, people), _mean_of_first, confidence, seed)
    for judge, own in found[found["rater_kind"] == "judge"].groupby("rater"):
        told = own.groupby("pair")["points"].mean().rename("told")
        both = people.join(told, on="pair", how="inner")
        if both.empty:
            continue
        yield ProxyAgreement(
            judge=str(judge),
            pairs=both["pair"].nunique(),
            runs=both["first"].nunique(),
            accuracy=_measure(_credits(both), _mean_of_first, confidence, seed),
            ceiling=ceiling,
            bias=_measure(_by_run(both), _bias, confidence, seed),
            ranks=_measure(_by_run(both), _ranks, confidence, seed),
        )


def _alike(votes: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """People's agreement with others on the same pair: credit and weight by prompt."""
    met = votes.merge(others, on="pair", suffixes=("", "_other"))
    met = met[met["rater"] != met["rater_other"]]
    return _credits(met.assign(told=met["points_other"]))


def _credits(both: pd.DataFrame) -> pd.DataFrame:
    """Of each prompt: the sum of credits, and the number of votes."""
    credit = 1 - (both["points"] - both["told"]).abs()
    grouped = credit.groupby(both["prompt_id"].astype(str))
    return pd.DataFrame({"sum": grouped.sum(), "count": grouped.count()})


def _by_run(both: pd.DataFrame) -> pd.DataFrame:
    """Of each prompt: sums of people's and the judge's points, and votes, by run."""
    keys = [both["prompt_id"].astype(str), both["first"].astype(str)]
    parts = {
        "people": both["points"].groupby(keys).sum(),
        "judge": both["told"].groupby(keys).sum(),
        "count": both["points"].groupby(keys).count(),
    }
    return pd.concat({name: part.unstack(fill_value=0) for name, part in parts.items()}, axis=1)


def _mean_of_first(totals: Array) -> Array:
    """[b, 2] of sums and counts to means."""
    return totals[:, 0] / totals[:, 1]


def _rates(totals: Array) -> tuple[Array, Array]:
    people, judge, count = np.split(totals, 3, axis=1)
    with np.errstate(invalid="ignore"):
        return people / count, judge / count


def _bias(totals: Array) -> Array:
    people, judge = _rates(totals)
    return np.nanmean(judge - people, axis=1)


def _ranks(totals: Array) -> Array:
    people, judge = _rates(totals)
    known = np.isfinite(people).all(axis=1)
    found = np.full(len(totals), np.nan)
    if totals.shape[1] // 3 < 3:
        return found
    a, b = (stats.rankdata(side[known], axis=1) for side in (people, judge))
    a, b = (side - side.mean(axis=1, keepdims=True) for side in (a, b))
    with np.errstate(invalid="ignore", divide="ignore"):
        found[known] = (a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    return found


def _measure(
    by_prompt: pd.DataFrame, statistic: Callable[[Array], Array], confidence: float, seed: int
) -> Measured:
    """The statistic of the totals over prompts [b, k], prompts drawn anew."""
    if by_prompt.empty:
        return Measured(value=float("nan"), low=float("nan"), high=float("nan"))
    rows = by_prompt.to_numpy(float)
    value = float(statistic(rows.sum(axis=0, keepdims=True))[0])
    if not np.isfinite(value):
        return Measured(value=value, low=float("nan"), high=float("nan"))
    prompts = np.arange(len(rows))
    found = Outcomes(points=np.ones(len(rows)), prompt=prompts, rater=0 * prompts, skipped=0)
    low, high = intervals(
        lambda weights: statistic(weights @ rows)[:, None], found, confidence=confidence, seed=seed
    )
    if statistic is _ranks:
        low, high = np.maximum(low, -1), np.minimum(high, 1)
    return Measured(value=value, low=float(low[0]), high=float(high[0]))
