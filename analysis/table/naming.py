"""Which rows of a foreign table belong to one run."""

from collections.abc import Container, Mapping

import numpy as np
import pandas as pd

from analysis.table.left_out import in_words, own_name
from analysis.table.model import TableError
from analysis.table.roles import KINDS

SAME_SIZE = 1e-4
"""Sizes this close are one, read off a figure or counted in two ways."""

WEAK = {"name", "id"}
"""Names of columns that may name runs, or anything else."""


def name_runs(
    frame: pd.DataFrame,
    asked: Container[str],
    history: bool,
    mapping: Mapping[str, str],
    source: str,
    notes: list[str],
) -> pd.DataFrame:
    """The frame with `run`, `rung` and `seed` as text.

    A run is what its column says, apart for each seed. Without such a column, seeds tell rows of
    one size and step apart; or all rows of one size are a run's horizons; or each row is a run. A
    rung is a size, unless its column says otherwise and each has one size.
    """
    frame = frame.copy()
    seeded = "seed" in frame
    frame["seed"] = _text(frame["seed"], "0") if seeded else "0"
    if "rung" in frame:
        frame["rung"] = _text(frame["rung"], "")
        if (frame.groupby("rung")["parameters"].nunique() > 1).any():
            notes.append(f"'{mapping['rung']}' does not name rungs: one of it has several sizes")
            frame = frame.drop(columns="rung")
    if "rung" not in frame:
        frame["rung"] = _rungs(frame["parameters"])
    if "run" in frame:
        return _named(frame, "run" in asked or history, mapping["run"], source, notes)
    return _unnamed(frame, seeded, notes)


def _named(
    frame: pd.DataFrame, certain: bool, column: str, source: str, notes: list[str]
) -> pd.DataFrame:
    own = pd.Series([own_name(int(str(row))) for row in frame.index], index=frame.index)
    run = frame["run"].where(frame["run"].notna(), own).astype(str)
    if (frame.groupby(run)["seed"].nunique() > 1).any():
        run = run + " seed " + frame["seed"]
    by_run = frame.groupby(run)["parameters"]
    several = sorted(str(name) for name in by_run.nunique().loc[lambda n: n > 1].index)
    key = [run, *(frame[name] for name in ("steps", *KINDS) if name in frame)]
    repeated = column.lower() in WEAK and frame.groupby(key, dropna=False).size().gt(1).any()
    if several and certain:
        rows = in_words([int(str(row)) for row in frame.index[run == several[0]]])
        raise TableError(
            f"{source}: a run has one size, but '{column}' calls {rows} of several sizes "
            f"'{several[0]}'; name a column that tells runs apart with --columns 'run=...'"
        )
    if several or (repeated and not certain):
        notes.append(f"'{column}' does not name runs: rows of one name differ in size, or repeat")
        return _unnamed(frame.drop(columns="run"), bool(frame["seed"].nunique() > 1), notes)
    return frame.assign(run=run)


def _unnamed(frame: pd.DataFrame, seeded: bool, notes: list[str]) -> pd.DataFrame:
    rung = frame["rung"]
    steps = frame["steps"] if "steps" in frame else pd.Series(0, index=frame.index)
    kinds = frame[[name for name in KINDS if name in frame]]
    cell = kinds.assign(rung=rung, seed=frame["seed"], steps=steps)
    if seeded and not cell.duplicated().any():
        return frame.assign(run=rung + " seed " + frame["seed"])
    if not seeded and _is_grid(cell):
        notes.append("no column names the run: rows of one size are taken as one run's horizons")
        return frame.assign(run=rung)
    notes.append("no column names the run: every row is taken as a run of its own")
    return frame.assign(run=[own_name(int(str(row))) for row in frame.index])


def _rungs(sizes: pd.Series) -> pd.Series:
    """Each size's rung, called by the smallest of those that are one."""
    ordered = np.sort(sizes[np.isfinite(sizes) & (sizes > 0)].unique())
    firsts = ordered[np.diff(np.log(ordered), prepend=-np.inf) > SAME_SIZE]
    place = np.searchsorted(firsts, sizes.to_numpy(), side="right") - 1
    names = np.array([*(f"{first:.12g}" for first in firsts), ""], dtype=object)
    return pd.Series(names[np.where(np.isfinite(sizes), place, -1)], index=sizes.index)


def _is_grid(cell: pd.DataFrame) -> bool:
    """Whether every size has several steps, each once, and all sizes share one of them."""
    if cell.duplicated().any() or cell["steps"].nunique() < 2:
        return False
    shared = set.intersection(*cell.groupby("rung")["steps"].agg(set))
    return bool(shared) and bool((cell.groupby("rung")["steps"].count() > 1).all())


def _text(column: pd.Series, empty: str) -> pd.Series:
    """Labels as text; a whole number is written without its '.0'."""
    if pd.api.types.is_numeric_dtype(column):
        return column.map(lambda x: empty if pd.isna(x) else f"{x:.12g}")
    return column.where(column.notna(), empty).astype(str)
