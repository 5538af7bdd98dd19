"""Reading a table from where it lies."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.directory import VOTES, is_sweep, measured
from analysis.imports.imported import digest_of
from analysis.table.foreign import from_frame, from_import
from analysis.table.model import SWEEP_COLUMNS, Table, TableError

EXAMPLE = "example:"


def read(path: str | Path, columns: Mapping[str, str] | None = None) -> Table:
    """Read a sweep's directory, a file or folder of runs, or "example:NAME".

    `columns` maps our names to the file's, or to sums over them such as "params*1e6". Raises
    TableError for a missing file, an unreadable one, or columns that are not there.
    """
    if str(path).startswith(EXAMPLE):
        from analysis.examples import example

        return example(str(path).removeprefix(EXAMPLE), columns)
    path = Path(path)
    if not path.exists():
        raise TableError(f"{path}: no such file or directory")
    if is_sweep(path):
        return _read_sweep(path)
    return read_as(str(path), path, columns)


def read_as(source: str, path: Path, columns: Mapping[str, str] | None) -> Table:
    """A file or folder of runs as a Table that is called `source`."""
    from analysis.imports.source import import_from  # which needs this package

    imported = import_from(path)
    digest = digest_of(imported.files)
    if not columns and set(imported.frame.columns) >= SWEEP_COLUMNS:
        return from_frame(imported.frame, source=source, digest=digest)
    return from_import(imported, columns, source=source, digest=digest)


def _read_sweep(directory: Path) -> Table:
    path = directory / "measurements.parquet"
    if not path.is_file():
        raise TableError(
            f"{directory}: no measurements.parquet; a sweep's directory has one once a run has "
            "been measured (`scaling status` says how far it is)"
        )
    from analysis.imports.files import read_file

    frame = read_file(path)
    missing = ", ".join(sorted(SWEEP_COLUMNS - set(frame.columns)))
    if missing:
        raise TableError(f"{path}: not a sweep's table; it lacks {missing}")
    voted = dict[str, Any]()
    if (directory / VOTES).is_file():
        from analysis.preference.measured import asked_of, votes_of, with_votes

        frame, voted = with_votes(frame, votes_of(directory), asked_of(directory))
    table = from_frame(frame, source=str(directory), digest=digest_of(measured(directory)))
    runs, path = directory / "runs.csv", directory / "protocols.json"
    protocols = json.loads(path.read_text()) if path.is_file() else {}
    return replace(
        table,
        runs=pd.read_csv(runs) if runs.is_file() else pd.DataFrame(),
        protocols=protocols | voted,
        directory=directory,
    )
