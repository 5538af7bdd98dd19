"""Somebody's data frame as a Table: columns by role, and rows that cannot be used listed."""

import hashlib
from collections.abc import Mapping

import numpy as np
import pandas as pd

from analysis.imports.imported import Imported
from analysis.table.expression import Expression
from analysis.table.history import of_history, thin
from analysis.table.left_out import exclusions
from analysis.table.model import SWEEP_COLUMNS, Table, TableError, apart
from analysis.table.naming import name_runs
from analysis.table.roles import FINISHED, KINDS, LABELS, NUMBERS, asked_roles, choose

POSITIVE = ("parameters", "value", "steps")
"""Roles without which a row is of no use."""


def from_frame(
    frame: pd.DataFrame,
    columns: Mapping[str, str] | None = None,
    *,
    source: str = "data frame",
    digest: str | None = None,
) -> Table:
    """A Table from a data frame with our columns, or with others and a mapping.

    `columns` gives for our names a column or a sum over columns: {"parameters": "params*1e6"}.
    """
    if digest is None:
        digest = hashlib.sha256(frame.to_csv(index=False).encode()).hexdigest()[:16]
    if not columns and set(frame.columns) >= SWEEP_COLUMNS:
        if "learning_rate" not in frame:
            frame = frame.rename(columns={"train.learning_rate": "learning_rate"})
        fixed, tried = apart(frame.reset_index(drop=True))
        return Table(frame=fixed, source=source, digest=digest, tried=tried)
    return from_import(Imported(frame=frame), columns, source=source, digest=digest)


def from_import(
    imported: Imported, columns: Mapping[str, str] | None, *, source: str, digest: str
) -> Table:
    """A foreign Table; TableError for columns that are not there, or if no row can be used."""
    given = imported.frame.reset_index(drop=True)
    given.columns = [str(name) for name in given.columns]
    if given.columns.has_duplicates:
        twice = given.columns[given.columns.duplicated()][0]
        raise TableError(f"{source}: two columns are called '{twice}'; rename one")
    asked = asked_roles(columns or {})
    mapping = choose(given, asked, source, imported.hint)
    read = _read(given, mapping, asked, source)
    frame = pd.DataFrame({role: found.values for role, found in read.items()}, index=given.index)
    for role in LABELS.keys() & mapping.keys():
        frame[role] = given[mapping[role]]
    if "status" in frame:
        state = frame["status"].fillna("finished").astype(str).str.lower()
        frame["status"] = state.where(~state.isin(FINISHED), "finished")
    for name in _others(given, frame):
        frame[name] = given[name].to_numpy(float, na_value=np.nan)
    notes = list(imported.notes)
    frame = name_runs(frame, asked, imported.history, mapping, source, notes)
    required = [*POSITIVE, *(asked.keys() & NUMBERS.keys())]
    logged, silent = of_history(frame, mapping, notes) if imported.history else (frame, ())
    faults = _faults(logged, read, mapping, required)
    faults |= _repeated(logged.drop(index=list(faults)))
    used = logged.drop(index=list(faults))
    excluded = (*silent, *exclusions(frame, faults, numbered=not imported.history))
    if used.empty:
        reasons = dict.fromkeys(f"{item.run}: {item.reason}" for item in excluded)
        raise TableError(f"{source}: no row can be used; {'; '.join(list(reasons)[:3])}")
    return Table(
        frame=thin(used, notes).reset_index(drop=True),
        source=source,
        digest=digest,
        foreign=True,
        mapping=mapping,
        excluded=excluded,
        notes=tuple(notes),
    )


def _read(
    given: pd.DataFrame, mapping: Mapping[str, str], asked: Mapping[str, str], source: str
) -> dict[str, Expression]:
    """Every numeric role's values; sums may also use our own names for columns of the table."""
    columns = {name: given[name] for name in given.columns}
    ours = {role: given[text] for role, text in mapping.items() if text in columns}
    read = {}
    for role in [role for role in mapping if role not in LABELS]:
        where = f"{source}: --columns {role}" if role in asked else source
        read[role] = Expression(mapping[role], {**ours, **columns}, where)
        if not np.isfinite(read[role].values).any() and (role in asked or role in POSITIVE):
            raise TableError(
                f"{source}: '{mapping[role]}' gives no number for '{role}'; in row 1, "
                f"{read[role].why(0)}"
            )
    return read


def _others(given: pd.DataFrame, frame: pd.DataFrame) -> list[str]:
    """Numeric columns that stay under their own names too, for laws in them."""
    return [
        name
        for name in given.columns
        if name not in [*frame.columns, *LABELS, "learning_rate"]
        and pd.api.types.is_numeric_dtype(given[name])
        and not pd.api.types.is_bool_dtype(given[name])
        and given[name].notna().any()
    ]


def _faults(
    frame: pd.DataFrame,
    read: Mapping[str, Expression],
    mapping: Mapping[str, str],
    required: list[str],
) -> dict[int, str]:
    """For rows of runs that finished, the first reason why they cannot be used."""
    if "status" in frame:
        frame = frame[frame["status"] == "finished"]
    found: dict[int, str] = {}
    for role in [role for role in dict.fromkeys(required) if role in read]:
        values = frame[role]
        low = values < 0 if role == "steps" and not (values > 0).any() else values <= 0
        for row in map(int, frame.index[low]):
            found.setdefault(row, f"'{mapping[role]}' is {values[row]:g}, not positive")
        for row in map(int, frame.index[~np.isfinite(values)]):
            found.setdefault(row, read[role].why(row))
    return found


def _repeated(frame: pd.DataFrame) -> dict[int, str]:
    """Rows whose run and step, of one kind, a later row has again."""
    key = [name for name in ("run", "steps", *KINDS) if name in frame]
    again = frame.index[frame.duplicated(key, keep="last")]
    return dict.fromkeys(map(int, again), "a later row has the same run and step, and counts")
