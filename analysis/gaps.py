"""The generalisation gap of each rung, and whether the data limit it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot, sqrt

from analysis.selection import Selection, companion
from analysis.table import Table

DATA_LIMITED_SHARE = 0.02
"""A gap this much larger, as a share of the loss, than the smallest rung's is worth a flag."""


@dataclass(frozen=True, kw_only=True)
class Gap:
    """Held-out minus training loss; `growth` is beyond the smallest rung's gap.

    The two sets hold different examples and differ in difficulty even for a model that has
    memorised nothing, so `data_limited` looks at growth: more than two standard errors and more
    than `DATA_LIMITED_SHARE` of the loss, with a gap that is itself beyond two standard errors.
    """

    value: float
    standard_error: float
    growth: float
    growth_standard_error: float
    data_limited: bool


def gaps_of(
    table: Table, selection: Selection, losses: Sequence[float], steps: float | None
) -> list[Gap | None] | None:
    """A Gap per rung at one horizon (None without rows); None when training loss is not measured.

    `losses` are the rungs' mean held-out losses, which the share is of.
    """
    train = companion(table, selection, selection.metric, "train")
    if train.empty or steps is None:
        return None
    held_out = selection.at(steps).set_index("run")
    train = train[(train["steps"] == steps) & train["log_snr"].isna()].set_index("run")
    runs = held_out.index.intersection(train.index)
    difference = (held_out["value"] - train["value"]).loc[runs]
    variance = held_out["standard_error"] ** 2 + train["standard_error"] ** 2
    sampling = (variance.loc[runs].fillna(0)) ** 0.5
    rung_of = held_out["rung"].loc[runs]
    groups = [difference[rung_of == rung].to_numpy() for rung in selection.rungs]
    centred = [group - group.mean() for group in groups if len(group) > 1]
    freedom = sum(len(group) - 1 for group in centred)
    seed = sqrt(sum((group**2).sum() for group in centred) / freedom) if freedom else 0.0
    gaps, first = [], None
    for rung, group, loss in zip(selection.rungs, groups, losses, strict=True):
        if not len(group):
            gaps.append(None)
            continue
        value, by_seeds = float(group.mean()), seed / sqrt(len(group))
        # Examples are shared by all seeds and rungs: their error stays in the gap and drops from
        # its growth.
        error = hypot(float(sampling[rung_of == rung].mean()), by_seeds)
        first = first or (value, by_seeds)
        growth, growth_error = value - first[0], hypot(by_seeds, first[1])
        limited = (
            value > 2 * error and growth > 2 * growth_error and growth > DATA_LIMITED_SHARE * loss
        )
        gaps.append(
            Gap(
                value=value,
                standard_error=error,
                growth=growth,
                growth_standard_error=growth_error,
                data_limited=bool(limited),
            )
        )
    return gaps
