"""The search for a weighting, asked of a table of runs."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.laws.suited import is_rate
from analysis.metrics.found import Refused, WeightingSearch
from analysis.metrics.search import search_arrays
from analysis.metrics.values import levels, scalars
from analysis.metrics.weightings import RATIOS
from analysis.selection import Selection
from analysis.table import Table


def targets(table: Table, selection: Selection) -> list[str]:
    """Metrics worth predicting: those that vary and are no loss themselves."""
    values = scalars(table, selection).values
    varies = values.max() - values.min() > 1e-12 * values.abs().max()
    return [str(name) for name in values.columns[varies] if "_loss" not in str(name)]


def searches(
    table: Table, selection: Selection, names: Sequence[str] | None = None, **options
) -> tuple[WeightingSearch | Refused, ...]:
    """Every target (see `targets`) searched across runs and within rungs."""
    names = targets(table, selection) if names is None else names
    return tuple(
        search(table, selection, name, within=within, **options)
        for name in names
        for within in (False, True)
    )


def search(
    table: Table,
    selection: Selection,
    target: str,
    *,
    within: bool = False,
    all_horizons: bool = False,
    metric: str = "loss",
    error: str | None = None,
    count: int = 500,
    confidence: float = 0.95,
    seed: int = 0,
) -> WeightingSearch | Refused:
    """Search among weightings of `metric` for the one that predicts `target`.

    Of a rate, which tends to one half, the gap 1/2 - r stands for the target: it is the gap that
    falls as a power where losses do.

    `within` predicts only what differs between runs of one rung at one horizon, where size says
    nothing. `error` is whose error the levels record, where the table's protocol does not say.
    TableError for a target that is not there.
    """
    every, stored = scalars(table, selection, [target]), levels(table, selection, metric)
    if stored is None:
        reason = f"the table has no {metric} at noise levels that all runs share"
        return Refused(target=target, within=within, reason=reason)
    recorded = stored.error or error
    if recorded not in RATIOS:
        known = ", ".join(RATIOS)
        reason = f"the losses are not known to be the error of one of {known} (given: {recorded})"
        return Refused(target=target, within=within, reason=reason)
    rows = stored.keys.assign(row=np.arange(len(stored.keys)))
    rows = rows.merge(every.keys.assign(target=every.values.iloc[:, 0])).dropna()
    if not all_horizons:
        rows = rows[rows["steps"].isin(selection.horizons[-1:])]
    if within:  # a run alone in its cell has nothing to be compared with
        rows = rows[rows.groupby(["rung", "steps"])["run"].transform("size") > 1]
    values, name = rows["target"].to_numpy(float), str(every.values.columns[0])
    if is_rate(name):
        values, name = 0.5 - values, f"1/2 - {name}"
    cells = rows.groupby(["rung", "steps"]).ngroup().to_numpy().astype(np.intp)
    return search_arrays(
        stored.log_snr,
        stored.losses[rows["row"]],
        values,
        pd.factorize(rows["rung"])[0],
        name=name,
        error=recorded,
        groups=cells if within else None,
        count=count,
        confidence=confidence,
        seed=seed,
    )
