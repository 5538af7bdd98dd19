"""Which runs are trained together, as one compiled program."""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from sweeps.estimates import START_SECONDS, makespan, run_seconds

type Record = dict[str, Any]
"""A run.json."""

LARGEST = 16
"""Most runs that `auto` puts into one program."""


def plan(
    records: Sequence[Record], *, size: int | Literal["auto"], workers: int
) -> list[list[str]]:
    """Ids of runs by cohort, the longest cohort first: workers take them in this order.

    Longest first (Graham 1969, "Bounds on multiprocessing timing anomalies") keeps the last worker
    from ending long after the others. `auto` weighs one compilation a cohort against an even load:
    of several limits to a cohort's time it takes the one whose estimated end is earliest.
    """
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(record["cohort_key"], []).append(record)
    if size == "auto":
        share = sum(map(run_seconds, records)) / workers
        candidates = (_split(groups, limit=share / k) for k in range(1, LARGEST + 1))
        cohorts = min(candidates, key=lambda c: makespan(map(cohort_seconds, c), workers))
    else:
        cohorts = _longest_first(p for group in groups.values() for p in _parts(group, size))
    return [[record["id"] for record in cohort] for cohort in cohorts]


def cohort_seconds(cohort: Sequence[Record]) -> float:
    """Estimated time of a cohort on one worker."""
    return START_SECONDS + sum(map(run_seconds, cohort))


def keep_or_plan(
    planned: Sequence[Sequence[str]],
    records: Sequence[Record],
    *,
    size: int | Literal["auto"],
    workers: int,
) -> list[list[str]]:
    """As `plan`, but runs that were planned before stay together.

    Rounding may depend on how many runs share a program, so a sweep that is stopped and started
    again must not regroup them: its numbers would differ in their last bits.
    """
    by_id = {record["id"]: record for record in records}
    kept = [[run for run in cohort if run in by_id] for cohort in planned]
    known = {run for cohort in kept for run in cohort}
    fresh = [record for record in records if record["id"] not in known]
    cohorts = [cohort for cohort in kept if cohort] + plan(fresh, size=size, workers=workers)
    return sorted(
        cohorts, key=lambda ids: cohort_seconds([by_id[run] for run in ids]), reverse=True
    )


def _split(groups: Mapping[str, Sequence[Record]], limit: float) -> list[Sequence[Record]]:
    """Cohorts whose training takes at most about `limit` seconds, unless a single run does."""
    return _longest_first(
        part
        for group in groups.values()
        for part in _parts(group, min(max(int(limit / run_seconds(group[0])), 1), LARGEST))
    )


def _longest_first(cohorts: Iterable[Sequence[Record]]) -> list[Sequence[Record]]:
    return sorted(cohorts, key=cohort_seconds, reverse=True)


def _parts(group: Sequence[Record], size: int) -> list[Sequence[Record]]:
    """Split evenly into as few parts of at most `size` as will do."""
    count = math.ceil(len(group) / size)
    edges = [len(group) * part // count for part in range(count + 1)]
    return [group[a:b] for a, b in itertools.pairwise(edges)]
