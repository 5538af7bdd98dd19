"""A table taken apart into its series, one for each combination of swept columns."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.table import Table, TableError


def names_of(sources: Sequence[str]) -> list[str]:
    """What tells tables apart: nothing for one, else as little of their paths' ends as does it.

    TableError for a table given twice.
    """
    if len(sources) == 1:
        return [""]
    parts = [Path(source).parts for source in sources]
    for length in range(1, max(map(len, parts)) + 1):
        names = [str(Path(*each[-length:])) for each in parts]
        if len(set(names)) == len(names):
            return names
    twice = next(source for source in sources if sources.count(source) > 1)
    raise TableError(f"{twice} is given twice; a table is compared with others")


def split(table: Table, name: str = "") -> Iterator[tuple[Table, str, dict[str, Any]]]:
    """(table, label, fixed columns) of each series; labels begin with the table's name."""
    if not table.swept:
        yield table, name, {}
        return
    groups = table.frame.groupby(list(table.swept), dropna=False, sort=False)
    fixings = [dict(zip(table.swept, values, strict=True)) for values, _ in groups]
    runs_of_each = [runs_of(table.runs, fixed) for fixed in fixings]
    if runs_of_each and not table.runs.empty:
        runs_of_each[0] = pd.concat([runs_of_each[0], _of_no_series(table, runs_of_each)])
    for fixed, (_, frame), runs in zip(fixings, groups, runs_of_each, strict=True):
        label = _label(fixed)
        tried = (
            table.tried[table.tried["run"].isin(frame["run"])] if len(table.tried) else table.tried
        )
        part = replace(table, frame=frame, runs=runs, tried=tried)
        yield part, f"{name}: {label}" if name else label, fixed


def runs_of(runs: pd.DataFrame, fixed: Mapping[str, Any]) -> pd.DataFrame:
    """The rows of `runs` that have these values in the swept columns."""
    for name, value in fixed.items():
        if name in runs:
            runs = runs[runs[name].astype(str) == str(value)]
    return runs


def _label(fixed: Mapping[str, Any]) -> str:
    return ", ".join(f"{name.rpartition('.')[2]} {value}" for name, value in fixed.items())


def _of_no_series(table: Table, runs_of_each: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Runs of series without any measurement: the first series names them, lest nobody does."""
    others = table.runs.drop(index=[i for runs in runs_of_each for i in runs.index])
    swept = [name for name in table.swept if name in others]
    labels = [_label(dict(row)) for _, row in others[swept].iterrows()]
    reasons = others["reason"].fillna("").astype(str)
    told = [
        f"{why}; {label}".removeprefix("; ") for why, label in zip(reasons, labels, strict=True)
    ]
    return others.assign(reason=told)
