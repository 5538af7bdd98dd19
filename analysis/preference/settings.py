"""Which setting of inference people prefer of a run's, and what an image costs at each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf, isnan, nan

import numpy as np
import pandas as pd

from analysis.inference import EVALUATIONS, FLOPS
from analysis.preference.differences import Difference, difference
from analysis.preference.outcomes import against_real
from analysis.preference.rates import Rate, rate
from analysis.preference.setting_votes import of_settings, run_and_setting
from analysis.preference.strengths import Strength, strengths


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Of an image: evaluations of the network, and FLOPs; nan where that was not recorded."""

    evaluations: float = nan
    flops: float = nan

    @property
    def known(self) -> bool:
        """Whether either was recorded."""
        return not (isnan(self.evaluations) and isnan(self.flops))

    @property
    def order(self) -> tuple[float, float]:
        """Least for the cheapest; what is not known is dear."""
        return _or_dear(self.flops), _or_dear(self.evaluations)


def _or_dear(part: float) -> float:
    return inf if isnan(part) else part


type Costs = Mapping[tuple[str, str], Cost]
"""By run and setting."""


@dataclass(frozen=True, kw_only=True)
class Preferred:
    """A setting: how often it is preferred to real images, and how far it is `behind` the best.

    The best is behind nothing: None. `strength` is Bradley and Terry's, where people were shown
    settings beside each other, too.
    """

    setting: str
    rate: Rate
    cost: Cost
    behind: Difference | None
    strength: Strength | None

    @property
    def as_good(self) -> bool:
        """Whether it is the best, or not told apart from it by the votes on it."""
        return self.behind is None or (self.rate.votes > 0 and not self.behind.told_apart)


@dataclass(frozen=True, kw_only=True)
class OfRun:
    """A run's settings, most preferred first; whether the best is told apart from the next.

    `cheapest` is that of those not told apart from the best, "" where costs are not known.
    """

    run: str
    settings: tuple[Preferred, ...]
    best: str
    told_apart: bool
    cheapest: str


def preferred_settings(
    votes: pd.DataFrame, costs: Costs, *, confidence: float = 0.95
) -> Iterator[OfRun]:
    """Of each run whose settings people voted on, by its id.

    Intervals of distances from the best hold together for all other settings (Bonferroni), so that
    the best of many by chance is not told apart, and what is truly best stays among the as good.
    """
    people = votes[of_settings(votes) & (votes["rater_kind"] == "human")]
    runs = [run_and_setting(str(source))[0] for source in people["first"]]
    for run, own in people.groupby(np.array(runs, object), sort=True):
        if len(against_real(own)):
            yield _of_run(str(run), own, costs, confidence)


def _of_run(run: str, votes: pd.DataFrame, costs: Costs, confidence: float) -> OfRun:
    groups = {
        run_and_setting(str(source))[1]: group
        for source, group in against_real(votes).groupby("first", sort=True)
    }
    rates = {name: rate(group, confidence=confidence) for name, group in groups.items()}
    anchored = any(found.votes for found in rates.values())
    strength = _strengths(votes, confidence) if anchored else {}
    cost = {name: costs.get((run, name), Cost()) for name in groups}

    def place(name: str) -> tuple[bool, float, tuple[float, float]]:
        value = rates[name].value
        return isnan(value), -value, cost[name].order

    best, *others = sorted(groups, key=place)
    together = 1 - (1 - confidence) / max(1, len(others))
    behind = {name: difference(groups[best], groups[name], confidence=together) for name in others}
    found = [
        Preferred(
            setting=name,
            rate=rates[name],
            cost=cost[name],
            behind=behind.get(name),
            strength=strength.get(name),
        )
        for name in (best, *others)
    ]
    as_good = [item for item in found if item.as_good and item.cost.known]
    return OfRun(
        run=run,
        settings=tuple(found),
        best=best,
        told_apart=bool(others) and not found[1].as_good,
        cheapest=min(as_good, key=lambda item: item.cost.order).setting if as_good else "",
    )


def _strengths(votes: pd.DataFrame, confidence: float) -> dict[str, Strength]:
    """By setting; none where rates against real images say it all."""
    if not (votes["kind"] == "models").any():
        return {}
    found = strengths(votes, confidence=confidence)
    return {run_and_setting(item.source)[1]: item for item in found.of}


def costs_of(tried: pd.DataFrame) -> Costs:
    """Of `Table.tried`, the rows of settings that were tried on each run."""
    if tried.empty:
        return {}
    rows = tried[(tried["inference"] == "candidate") & tried["metric"].isin([EVALUATIONS, FLOPS])]
    found: dict[tuple[str, str], dict[str, float]] = {}
    told = zip(rows["run"], rows["setting"], rows["metric"], rows["value"], strict=True)
    for run, setting, metric, value in told:
        found.setdefault((str(run), str(setting)), {})[str(metric)] = float(value)
    return {
        key: Cost(evaluations=of.get(EVALUATIONS, nan), flops=of.get(FLOPS, nan))
        for key, of in found.items()
    }
