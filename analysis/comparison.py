"""Two series side by side: how much lower is one's loss at the same rungs, seeds and steps?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.fitting import Unsupported
from analysis.selection import Selection


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A mean difference of log value in per cent, with its interval (nan without repeats)."""

    percent: float
    interval: tuple[float, float]

    @property
    def clear(self) -> bool:
        """Whether the interval excludes zero."""
        return self.interval[0] > 0 or self.interval[1] < 0


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """`other` against `baseline` at the last horizon they share: per rung, and over all rungs.

    Runs are paired by rung and seed. The seeds' spread about each rung's mean difference is pooled
    over rungs, so intervals are Student's t with `freedom` degrees; they hold for these rungs.
    """

    baseline: str
    other: str
    steps: float
    pairs: int
    freedom: int
    rungs: dict[str, Difference]
    overall: Difference

    def sentence(self) -> str:
        """What was found, in words."""
        low, high = self.overall.interval
        higher = self.overall.percent > 0
        size = f"{abs(self.overall.percent):.2g}% {'higher' if higher else 'lower'}"
        over = f"over {len(self.rungs)} rungs, {self.pairs} pairs of runs"
        if math.isnan(low):
            unknown = "no seeds repeat, so its error is unknown"
            return f"{self.other}: {size} than {self.baseline} {over}; {unknown}."
        interval = f"[{low:+.2g}%, {high:+.2g}%]"
        if self.overall.clear:
            return f"{self.other}: {size} than {self.baseline} {interval}, {over}."
        apart = f"not told apart from {self.baseline}"
        return f"{self.other}: {apart}; its loss is {size} {interval}, {over}."


@dataclass(frozen=True, kw_only=True)
class NotCompared:
    """A question about two series that has no answer, and the reason."""

    baseline: str
    other: str
    question: str
    reason: str

    def sentence(self) -> str:
        """What cannot be said, and why."""
        return f"{self.other} against {self.baseline}: no {self.question}: {self.reason}."


def compare(
    baseline: tuple[str, Selection], others: Sequence[tuple[str, Selection]], confidence: float
) -> tuple[Comparison | NotCompared, ...]:
    """Each of the others against the baseline, or why the two cannot be."""
    return tuple(_or_why_not(baseline, other, confidence) for other in others)


def shared_horizon(first: Selection, second: Selection) -> float:
    """The last step at which all runs of both were measured; Unsupported where there is none.

    And where the values of the two are not of one metric and protocol.
    """
    for name in ("metric", "protocol"):
        told = [str(getattr(part, name)) for part in (first, second)]
        if told[0] != told[1]:
            raise Unsupported(f"their {name}s differ ({told[0]}; {told[1]})")
    shared = set(first.horizons) & set(second.horizons)
    if not shared:
        raise Unsupported("there is no step at which all runs of both were measured")
    return float(max(shared))


def _or_why_not(
    baseline: tuple[str, Selection], other: tuple[str, Selection], confidence: float
) -> Comparison | NotCompared:
    try:
        return _compare(*baseline, *other, confidence)
    except Unsupported as reason:
        question = "comparison rung by rung"
        return NotCompared(
            baseline=baseline[0], other=other[0], question=question, reason=str(reason)
        )


def _compare(
    label: str, first: Selection, other_label: str, second: Selection, confidence: float
) -> Comparison:
    steps = shared_horizon(first, second)
    keys = ["rung", "size", "seed"]
    ends = [part.at(steps)[[*keys, "value"]] for part in (first, second)]
    pairs = ends[0].merge(ends[1], on=keys, suffixes=("_first", "_second")).sort_values("size")
    if pairs.empty:
        raise Unsupported("they have no rung of one name and size with the same seed in common")
    pairs["ratio"] = np.log(pairs["value_second"] / pairs["value_first"])
    groups = pairs.groupby("rung", sort=False)["ratio"]
    means, counts = groups.mean(), groups.count()
    from scipy.special import stdtrit  # only here, for most studies have one series

    freedom = int((counts - 1).sum())
    squares = float(((pairs["ratio"] - groups.transform("mean")) ** 2).sum())
    deviation = math.sqrt(squares / freedom) if freedom else math.nan
    reach = float(stdtrit(freedom, (1 + confidence) / 2)) * deviation if freedom else math.nan

    def difference(mean: float, error: float) -> Difference:
        ends = (mean - reach * error, mean + reach * error)
        return Difference(
            percent=100 * math.expm1(mean),
            interval=(100 * math.expm1(ends[0]), 100 * math.expm1(ends[1])),
        )

    return Comparison(
        baseline=label,
        other=other_label,
        steps=steps,
        pairs=len(pairs),
        freedom=freedom,
        rungs={
            str(rung): difference(float(means[rung]), 1 / math.sqrt(counts[rung]))
            for rung in means.index
        },
        overall=difference(float(means.mean()), math.sqrt(float((1 / counts).sum())) / len(means)),
    )
