"""Intervals of a fit's parameters: by its bootstrap, by profile likelihood, or by linearising."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from analysis.estimation.estimate import Estimate
from analysis.estimation.problem import Indices, Problems
from analysis.uncertainty.bootstrap import Replicates
from analysis.uncertainty.delta import standard_errors
from analysis.uncertainty.profile import Profile, profiles
from analysis.uncertainty.resampling import designs_of, is_scattered
from analysis.uncertainty.tails import tails

Kind = Literal["bootstrap", "profile", "delta"]
FEW = 10
"""Rungs below which profiles come out too narrow."""


@dataclass(frozen=True, kw_only=True)
class Intervals:
    """Ends by parameter; those of `reached` end at a bound of the search.

    `profiles` are what the ends were read off, where that is so.
    """

    ends: dict[str, tuple[float, float]]
    reached: tuple[str, ...] = ()
    note: str = ""
    profiles: Mapping[str, Profile] = field(default_factory=dict)


def intervals(
    kind: Kind,
    problems: Problems,
    best: Sequence[Estimate],
    points: Sequence[pd.DataFrame],
    drawn: Sequence[Replicates | None],
    confidence: float,
) -> list[Intervals]:
    """Of each problem's parameters; none by a bootstrap that was not asked for.

    The bootstrap's alone are also of what a law derives from its parameters. In profiles residuals
    of a rung move together; linearising takes all rows to be independent, and is for comparison.
    """
    if kind == "bootstrap":
        return [_of_replicates(item, confidence) for item in drawn]
    if kind == "profile":
        return _by_profile(problems, best, points, confidence)
    return _by_linearising(problems, best, confidence)


def _of_replicates(drawn: Replicates | None, confidence: float) -> Intervals:
    if drawn is None:
        return Intervals(ends={})
    law = drawn.law
    values = drawn.named
    values |= {name: of(values) for name, of in (law.derived or {}).items()}
    ends = {
        name: np.quantile(each, tails(confidence), method="weibull")
        for name, each in values.items()
    }
    return Intervals(
        ends={name: (float(low), float(high)) for name, (low, high) in ends.items()},
        reached=tuple(
            name for name, share in drawn.at_bounds.items() if share > tails(confidence)[0]
        ),
    )


def _by_profile(
    problems: Problems, best: Sequence[Estimate], points: Sequence[pd.DataFrame], confidence: float
) -> list[Intervals]:
    if not any(one.free for one in best):
        return [Intervals(ends={}) for _ in best]
    clusters = [_clusters(rows) for rows in points]
    counts = [int(code.max()) + 1 for code in clusters]
    every = profiles(problems, best, confidence=confidence, clusters=clusters)
    return [
        Intervals(
            ends={name: item.interval for name, item in found.items()},
            reached=tuple(name for name, item in found.items() if not item.identified),
            note=f"profile intervals of {count} rungs are too narrow; the bootstrap's hold the "
            "truth as often as they say"
            if count < FEW
            else "",
            profiles=found,
        )
        for found, count in zip(every, counts, strict=True)
    ]


def _clusters(points: pd.DataFrame) -> Indices:
    """What moves together [n]: a design of a cloud, a rung of a ladder; each row of one rung."""
    if points["rung"].nunique() == 1:
        return np.arange(len(points))
    return designs_of(points) if is_scattered(points) else pd.factorize(points["rung"])[0]


def _by_linearising(
    problems: Problems, best: Sequence[Estimate], confidence: float
) -> list[Intervals]:
    """A standard error times Student's t on either side."""
    from scipy.special import stdtrit  # only here, for most fits need none of scipy

    found = []
    for one, errors in zip(best, standard_errors(problems, list(best)), strict=True):
        freedom = max(len(one.residuals) - len(one.free), 1)
        reach = float(stdtrit(freedom, tails(confidence)[1]))
        found.append(
            Intervals(
                ends={
                    name: (
                        one.parameters[name] - reach * errors[name],
                        one.parameters[name] + reach * errors[name],
                    )
                    for name in one.free
                }
            )
        )
    return found
