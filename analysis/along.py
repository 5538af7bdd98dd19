"""What laws in one variable are fitted along: the size, another column, or another metric."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.laws import find
from analysis.metrics.values import scalars
from analysis.selection import Selection
from analysis.settings import FitSettings
from analysis.table import Table, TableError, nearest

SIZE, IN_SEVERAL = "size", "both"
COSTS = (SIZE, "steps", "images", "data", "flops")
"""What a run takes, against what comes of it."""
OF_METRICS = ("metric_to_metric",)
"""What is fitted along a metric where nobody chose laws."""
NOT_ALONG = {"value", "standard_error", "seed", "count", "log_snr"}
"""Columns of numbers that nothing follows."""


def with_variable(table: Table, selection: Selection, along: str) -> Selection:
    """The selection with `along` as a column: already one, or a metric of the same runs and steps.

    Points where it is not a positive number are left out, and counted in a note. TableError for a
    name that is neither, or if no point is left.
    """
    if along in (SIZE, IN_SEVERAL):
        return selection
    points, metrics = selection.points, _metrics(table)
    if along not in _columns(points):
        if along not in metrics:
            present = [*_columns(points), *metrics]
            raise TableError(f"{table.source}: nothing called '{along}'{nearest(along, present)}")
        points = points.merge(_values(table, selection, along), on=["run", "steps"], how="left")
    used = np.isfinite(points[along].astype(float)) & (points[along] > 0)
    if not used.any():
        raise TableError(f"{table.source}: no point of {selection.metric} has a positive {along}")
    note = f"{(~used).sum()} of {len(points)} points have no positive {along} and are left out"
    notes = selection.notes if used.all() else (*selection.notes, note)
    return replace(selection, points=points[used].reset_index(drop=True), notes=notes)


def points_along(selection: Selection, along: str) -> pd.DataFrame:
    """The points of a selection (`with_variable`) that a law along it is fitted to.

    In several variables all. Along FLOPs, or what does not change while a run trains, the end of
    each run: what is spent on it, not what was spent when. Along all else every horizon.
    """
    points = selection.points
    if along == IN_SEVERAL:
        return points
    if along == "flops" or (points.groupby("run")[along].nunique() == 1).all():
        return points[points.groupby("run")["steps"].transform("max") == points["steps"]]
    return points


def laws_along(tables: Sequence[Table], laws: Sequence[str], along: str) -> tuple[str, ...]:
    """Those of the laws in one variable; along a metric, where nobody chose laws, what suits it.

    ValueError where there is none.
    """
    if tuple(laws) == tuple(FitSettings.laws) and all(_is_metric(table, along) for table in tables):
        return OF_METRICS
    found = tuple(law for law in laws if len(find(law).variables) == 1)
    if not found:
        raise ValueError(
            f"{', '.join(laws)}: in several variables, and fitted along all of them; along {along} "
            "there are laws in one, such as power and floor"
        )
    return found


def _is_metric(table: Table, along: str) -> bool:
    return along not in table.frame.columns and along in _metrics(table)


def _metrics(table: Table) -> list[str]:
    """Metrics with one value a run and horizon."""
    frame = table.frame
    if table.foreign or "metric" not in frame:
        return []
    rows = frame[frame["log_snr"].isna()] if "log_snr" in frame else frame
    return sorted(set(map(str, rows["metric"])))


def _columns(points: pd.DataFrame) -> list[str]:
    numbers = points.select_dtypes("number").dropna(axis=1, how="all")
    return [str(name) for name in numbers.columns if name not in NOT_ALONG]


def _values(table: Table, selection: Selection, metric: str) -> pd.DataFrame:
    """Columns run, steps and the metric's name."""
    found = scalars(table, selection, [metric])
    if metric not in found.values:
        several = ", ".join(found.values.columns)
        raise TableError(
            f"{table.source}: {metric} was measured under several protocols, which cannot be "
            f"compared: {several}"
        )
    return found.keys[["run", "steps"]].assign(**{metric: found.values[metric]})
