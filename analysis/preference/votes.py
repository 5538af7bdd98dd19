"""Votes as a table: from a sweep's votes.jsonl, or from anybody's CSV or JSON lines."""

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.preference.vote_columns import COLUMNS, choose, first_is_left
from analysis.preference.vote_rows import text, vote_row
from analysis.table.model import TableError

type Line = tuple[int, dict[str, Any]]
"""The number of a line, and its cells by the names of columns."""


def read(path: str | Path, columns: Mapping[str, str] | None = None) -> pd.DataFrame:
    """The votes that count, one row each in COLUMNS, indexed by the line they stand on.

    Undone ones are left out. Of a foreign table, columns are recognised by their names, or named
    by `columns` (ours: theirs). `seconds` is nan, and other columns "", where nothing is known.
    `attrs["notices"]` tells of a torn last line. Raises TableError with file and line.
    """
    path, notices = Path(path), list[str]()
    try:
        lines = list(_csv(path) if path.suffix.lower() == ".csv" else _json_lines(path, notices))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TableError(f"{path}: {error}") from None
    gone = {text(cells["undo"]) for _, cells in lines if "undo" in cells}
    lines = [(number, cells) for number, cells in lines if "undo" not in cells]
    present = list(dict.fromkeys(name for _, cells in lines for name in cells))
    chosen = choose(present, columns or {}, str(path)) if lines else {}
    by_place = {"left": "first"} if lines and first_is_left(chosen) else {}
    rows: dict[int, dict[str, Any]] = {}
    for number, cells in lines:
        told = {ours: cells.get(theirs) for ours, theirs in chosen.items()}
        row = vote_row({**by_place, **told}, lambda t, n=number: TableError(f"{path}:{n}: {t}"))
        if row["vote"] not in gone:
            rows[number] = row
            gone |= {row["vote"]} - {""}  # a vote counts once
    index = pd.Index(list(rows), name="line", dtype="int64")
    frame = pd.DataFrame(list(rows.values()), index=index, columns=list(COLUMNS))
    frame["seconds"] = frame["seconds"].astype("float64")
    frame.attrs["notices"] = notices
    return frame


def _csv(path: Path) -> Iterator[Line]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        table = csv.DictReader(file, strict=True)
        names = list(table.fieldnames or ())
        if len(set(names)) < len(names):
            raise TableError(f"{path}:1: two columns have the same name")
        for cells in table:
            if None in cells:
                raise TableError(f"{path}:{table.line_num}: more cells than columns")
            yield table.line_num, cells


def _json_lines(path: Path, notices: list[str]) -> Iterator[Line]:
    *whole, torn = path.read_text("utf-8").split("\n")
    for number, line in enumerate(whole, start=1):
        if line.strip():
            try:
                cells = json.loads(line)
            except ValueError:
                raise TableError(f"{path}:{number}: not valid JSON") from None
            if not isinstance(cells, dict):
                raise TableError(f"{path}:{number}: not a JSON object")
            yield number, cells
    if torn.strip():
        try:  # others may write no newline at their end
            cells = json.loads(torn)
        except ValueError:
            notices.append(f"{path}:{len(whole) + 1}: left out a torn last line")
            return
        if isinstance(cells, dict):
            yield len(whole) + 1, cells
