"""The floor that real images in the samples' place reach, taken as known."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from analysis.laws.suited import is_rate
from analysis.sample_metrics import BEYOND, REAL
from analysis.settings import FitSettings
from analysis.table import Table, TableError

CEILINGS = frozenset({"precision", "recall", "density", "coverage"})
"""What rises with quality: the control is above what models reach."""


def with_floor(tables: Sequence[Table], settings: FitSettings) -> FitSettings:
    """The settings with E known as the control's value and error, for `floor` "control".

    An unbiased estimate may fall below zero, where no floor is: it counts as zero. TableError for a
    metric without a control, or with several.
    """
    if settings.floor == "fitted":
        return settings
    metric = settings.metric
    found = [_controls(table, settings) for table in tables]
    rows = pd.concat(found) if any(map(len, found)) else pd.DataFrame()
    if rows.empty or metric in {*CEILINGS, BEYOND} or is_rate(metric):
        raise TableError(
            f"fit.floor: {metric} has no floor that real images reach; distances of samples have "
            "one, such as kid and fd_infinite (measure.distances). Fit the floor, or give it in "
            "fit.known"
        )
    if rows["protocol"].nunique() > 1:
        raise TableError(
            f"fit.floor: real images were measured by {metric} under {rows['protocol'].nunique()} "
            "protocols, which may differ in what they reach; fit the sweeps apart"
        )
    value, error = float(rows["value"].mean()), float(rows["standard_error"].max())
    known = max(value, 0.0), error
    if settings.known_values.get("E", known) != known:
        raise TableError("fit.floor: fit.known gives E too; leave out one of them")
    return replace(settings, known={**settings.known, "E": known})


def _controls(table: Table, settings: FitSettings) -> pd.DataFrame:
    frame = table.frame
    if table.foreign or "protocol" not in frame:
        return pd.DataFrame()
    named = (frame["metric"] == settings.metric) & (frame["split"] == settings.split)
    return frame[named & (frame["weights"] == REAL) & frame["value"].notna()]
