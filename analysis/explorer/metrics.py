"""What was measured of the runs, metric by metric, for the explorer."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.explorer.numbers import EXACT, numbers
from analysis.figures.style import metric_label
from analysis.study import Series

KEYS = ["metric", "split", "protocol"]


def metric_views(series: Series, runs: Sequence[str]) -> list[dict[str, Any]]:
    """Metrics that have a value at every fitted rung, the headline's first.

    Each has its `weights`, and those of each run (by its place in `runs`) and step the value and
    its standard error. `laws` marks what the laws were fitted to, and `left_out` there the points
    that they did not get. Activations and single noise levels have figures of their own. Values
    of two protocols are two metrics.
    """
    selection = series.selection
    rows = _described(series)
    own = (selection.metric, selection.split or "", selection.protocol or "")
    views = []
    for key, group in rows.groupby(KEYS, sort=True):
        weights = [
            _weights(part, str(name), series, runs, key == own)
            for name, part in group.groupby("weights", sort=True)
            if set(selection.rungs) <= set(part["rung"].astype(str))
        ]
        if weights:
            weights.sort(key=lambda item: not item["laws"])
            views.append({"label": _label(key, rows, own[1]), "weights": weights})
    return sorted(views, key=lambda view: not view["weights"][0]["laws"])


def _described(series: Series) -> pd.DataFrame:
    """Rows of metrics with one value a run and step; a foreign table has but one metric."""
    frame = series.table.frame
    known = {"metric": series.selection.metric, "split": "", "protocol": "", "weights": ""}
    absent = {"steps": 0, "standard_error": np.nan}
    absent |= known if series.table.foreign else {"protocol": ""}
    replaced = set(known) if series.table.foreign else set()
    fill = {k: v for k, v in absent.items() if k in replaced or k not in frame}
    rows = frame.assign(**fill)
    rows = rows.assign(run=rows["run"].astype(str), protocol=rows["protocol"].fillna(""))
    rows = rows[np.isfinite(rows["value"].astype(float))]
    rows = rows[rows["log_snr"].isna()] if "log_snr" in rows else rows
    return rows[series.table.foreign | ~rows["metric"].astype(str).str.contains("/")]


def _label(key: Any, rows: pd.DataFrame, split: str) -> str:
    """The metric in words, with its split and protocol where these tell it from another."""
    metric, its_split, protocol = key
    alike = rows.loc[(rows["metric"] == metric) & (rows["split"] == its_split), "protocol"]
    label = metric_label(str(metric))
    label += f", {str(its_split).replace('_', ' ')}" if its_split != split else ""
    return label + (f" [{protocol}]" if alike.nunique() > 1 else "")


def _weights(
    rows: pd.DataFrame, name: str, series: Series, runs: Sequence[str], own: bool
) -> dict[str, Any]:
    """One metric of one kind of weights, in columns of numbers."""
    selection = series.selection
    laws = own and name == (selection.weights or "")
    places = {run: place for place, run in enumerate(runs)}
    rows = rows.assign(place=rows["run"].map(places)).sort_values(["place", "steps"], kind="stable")
    fitted = pd.MultiIndex.from_frame(selection.points[["run", "steps"]])
    left_out = ~pd.MultiIndex.from_frame(rows[["run", "steps"]]).isin(fitted)
    return {
        "name": name,
        "laws": laws,
        "points": {
            "run": numbers(rows["place"], EXACT),
            "steps": numbers(rows["steps"], EXACT),
            "value": numbers(rows["value"]),
            "error": numbers(rows["standard_error"], 2),
        },
        "left_out": np.flatnonzero(left_out).tolist() if laws else [],
    }
