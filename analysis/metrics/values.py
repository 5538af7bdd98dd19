"""What runs measured, one row a run and horizon: the metrics, and the loss at each noise level."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.metrics.columns import measured_columns
from analysis.selection import Selection, companion, preferred_weights
from analysis.table import Table, TableError, nearest

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Scalars:
    """Tables of equal rows: `keys` (run, rung, steps), then `values` and `errors` by metric."""

    keys: pd.DataFrame
    values: pd.DataFrame
    errors: pd.DataFrame


@dataclass(frozen=True, kw_only=True)
class Levels:
    """Losses [n, k] at rising `log_snr` [k] and the same `keys`; `error` is whose error it is."""

    keys: pd.DataFrame
    log_snr: Array
    losses: Array
    error: str | None


def scalars(table: Table, selection: Selection, metrics: Sequence[str] | None = None) -> Scalars:
    """Every metric that has one value a run and horizon, of the selected runs.

    A metric that lacks the selection's weights or split is taken at those that it has; a foreign
    table's are its value and its other columns of measurements. Where one was measured under
    several protocols, each is a column of its own. Activations (names with a slash) are left out
    unless asked for by name; TableError for a name that is not there.
    """
    keys = selection.points[["run", "rung", "steps"]].drop_duplicates().reset_index(drop=True)
    index = pd.MultiIndex.from_frame(keys[["run", "steps"]])
    find = _foreign_columns if table.foreign else _columns
    columns = find(table, selection, metrics)
    if missing := set(metrics or ()) - {name for name, _ in columns}:
        name = min(missing)
        present = _present(table, selection)
        raise TableError(f"{table.source}: no values of '{name}'{nearest(name, present)}")
    several = pd.Series([name for name, _ in columns], dtype=object).value_counts()
    values, errors = {}, {}
    for (name, protocol), rows in columns.items():
        label = f"{name} [{protocol}]" if several[name] > 1 else name
        placed = rows.drop_duplicates(["run", "steps"]).set_index(["run", "steps"]).reindex(index)
        values[label] = placed["value"].to_numpy(float)
        has_errors = "standard_error" in placed
        errors[label] = placed["standard_error"].to_numpy(float) if has_errors else np.nan
    return Scalars(
        keys=keys, values=pd.DataFrame(values, keys.index), errors=pd.DataFrame(errors, keys.index)
    )


def _present(table: Table, selection: Selection) -> list[str]:
    if table.foreign:
        return [name for name, _ in _foreign_columns(table, selection, None)]
    return sorted(map(str, table.frame["metric"].unique()))


def _foreign_columns(table: Table, selection: Selection, metrics: Sequence[str] | None):
    """The same of a table with a column for each metric."""
    points = selection.points
    found = {(selection.metric, ""): points[["run", "steps", "value", "standard_error"]]}
    for name in measured_columns(table, selection):
        found[name, ""] = points[["run", "steps"]].assign(value=points[name])
    return {key: rows for key, rows in found.items() if not metrics or key[0] in metrics}


def _columns(table: Table, selection: Selection, metrics: Sequence[str] | None):
    """Rows by (metric, protocol)."""
    frame = table.frame
    rows = frame[frame["run"].astype(str).isin(selection.points["run"])]
    rows = rows[np.isfinite(rows["value"])]
    rows = rows[rows["log_snr"].isna()] if "log_snr" in rows else rows
    asked = rows["metric"].isin(metrics) if metrics else ~rows["metric"].str.contains("/")
    columns = {}
    for name, group in rows[asked].groupby("metric", sort=True):
        found = _at(group, "split", selection.split, sorted(map(str, group["split"].unique()))[0])
        found = _at(found, "weights", selection.weights, preferred_weights(found))
        found = found.assign(run=found["run"].astype(str))
        protocols = found["protocol"] if "protocol" in found else pd.Series("", found.index)
        for protocol, part in found.groupby(protocols.fillna("")):
            columns[name, protocol] = part
    return columns


def _at(rows: pd.DataFrame, column: str, wanted: str | None, otherwise: str) -> pd.DataFrame:
    found = rows[rows[column] == wanted]
    return found if len(found) else rows[rows[column] == otherwise]


def levels(table: Table, selection: Selection, metric: str = "loss") -> Levels | None:
    """The metric at the noise levels that all selected runs share; None where there are none."""
    rows = companion(table, selection, metric)
    if rows.empty or "log_snr" not in rows:
        return None
    rows = rows[rows["log_snr"].notna()]
    keys = selection.points[["run", "rung", "steps"]].drop_duplicates()
    wide = rows.pivot_table(index=["run", "steps"], columns="log_snr", values="value")
    wide = wide.dropna(axis=1).sort_index(axis=1)
    keys = keys.merge(wide.reset_index()[["run", "steps"]], on=["run", "steps"])
    if wide.shape[1] < 3 or keys.empty:
        return None
    protocols = rows["protocol"].dropna().unique() if "protocol" in rows else []
    errors = {table.protocols.get(str(name), {}).get("error") for name in protocols}
    index = pd.MultiIndex.from_frame(keys[["run", "steps"]])
    return Levels(
        keys=keys,
        log_snr=wide.columns.to_numpy(float),
        losses=wide.reindex(index).to_numpy(float),
        error=errors.pop() if len(errors) == 1 else None,
    )
