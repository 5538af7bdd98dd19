"""What was measured of the runs, metric by metric, for the explorer."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.explorer.curves import law_views
from analysis.explorer.numbers import EXACT, number, numbers
from analysis.explorer.others import Key, key_of, series_of_others
from analysis.sample_metrics import REAL
from analysis.settings import FitSettings
from analysis.study import Series
from analysis.words import metric_label


def metric_views(
    series: Series, runs: Sequence[str], rungs: list[str], settings: FitSettings | None
) -> list[dict[str, Any]]:
    """Metrics that have a value at every fitted rung, the headline's first.

    Each has its `weights`, the headline's first, and those of each run (by its place in `runs`) and
    step the value and its standard error. `laws` are those fitted to them, `left_out` the points
    that they did not get, `horizon` the last that all runs share; `no_laws` says why there are
    none. Activations and single noise levels have figures of their own. Values of two protocols are
    two metrics.
    """
    rows, own = _described(series), key_of(series.selection)
    parts = {
        Key(*map(str, key)): part
        for key, part in rows.groupby(list(Key._fields), sort=True)
        if set(series.selection.rungs) <= set(part["rung"].astype(str))
    }
    others = sorted(
        (key for key in parts if key != own),
        key=lambda key: (key.weights != own.weights, key.split != own.split),
    )
    laws: dict[Key, Series | str] = {own: series}
    if settings and not series.table.foreign:
        laws |= series_of_others(series, others, settings)
    views: dict[str, dict[str, Any]] = {}
    for key in sorted(parts, key=lambda key: (key != own, key[:3] != own[:3])):
        label = _label(key, rows, own.split)
        view = views.setdefault(label, {"label": label, "weights": []})
        of = laws.get(key, "")
        view["weights"].append(_weights(parts[key], key, of, runs, rungs))
    return list(views.values())


def _described(series: Series) -> pd.DataFrame:
    """Rows of metrics with one value a run and step; a foreign table has but one metric."""
    frame = series.table.frame
    known = key_of(series.selection)._asdict()
    absent = {"steps": 0, "standard_error": np.nan}
    absent |= known if series.table.foreign else {"protocol": ""}
    replaced = set(known) if series.table.foreign else set()
    fill = {k: v for k, v in absent.items() if k in replaced or k not in frame}
    rows = frame.assign(**fill)
    rows = rows.assign(run=rows["run"].astype(str), protocol=rows["protocol"].fillna(""))
    rows = rows[np.isfinite(rows["value"].astype(float)) & (rows["weights"] != REAL)]
    rows = rows[rows["log_snr"].isna()] if "log_snr" in rows else rows
    return rows[series.table.foreign | ~rows["metric"].astype(str).str.contains("/")]


def _label(key: Key, rows: pd.DataFrame, split: str) -> str:
    """The metric in words, with its split and protocol where these tell it from another."""
    alike = (rows["metric"] == key.metric) & (rows["split"] == key.split)
    label = metric_label(key.metric)
    label += f", {key.split.replace('_', ' ')}" if key.split != split else ""
    several = rows.loc[alike, "protocol"].nunique() > 1
    return label + (f" [{key.protocol}]" if several else "")


def _weights(
    rows: pd.DataFrame, key: Key, of: Series | str, runs: Sequence[str], rungs: list[str]
) -> dict[str, Any]:
    """One metric of one kind of weights, in columns of numbers, and the laws fitted to them."""
    places = {run: place for place, run in enumerate(runs)}
    rows = rows.assign(place=rows["run"].map(places)).sort_values(["place", "steps"], kind="stable")
    view: dict[str, Any] = {
        "name": key.weights,
        "points": {
            "run": numbers(rows["place"], EXACT),
            "steps": numbers(rows["steps"], EXACT),
            "value": numbers(rows["value"]),
            "error": numbers(rows["standard_error"], 2),
        },
        "horizon": _last([set(part) for _, part in rows.groupby("run")["steps"]]),
    }
    if isinstance(of, str):
        return {**view, "laws": [], "no_laws": of, "left_out": []}
    fitted = pd.MultiIndex.from_frame(of.selection.points[["run", "steps"]])
    left_out = ~pd.MultiIndex.from_frame(rows[["run", "steps"]]).isin(fitted)
    horizons = of.selection.horizons
    return {
        **view,
        "laws": law_views(of, rungs),
        "no_laws": "",
        "left_out": np.flatnonzero(left_out).tolist(),
        "horizon": number(horizons[-1], EXACT) if horizons else None,
    }


def _last(steps: Sequence[set[float]]) -> float | None:
    """The last step that all have."""
    return number(max(set.intersection(*steps), default=None), EXACT)
