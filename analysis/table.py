"""Tables of measurements: a sweep's directory, or anybody's CSV, JSON lines or Parquet."""

import difflib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

STANDARD = (
    *("run", "rung", "seed", "width", "depth", "learning_rate", "transfer"),
    *("parameters", "parameters_non_embedding", "steps", "images", "flops"),
    *("status", "weights", "split", "metric", "log_snr", "value"),
    *("standard_error", "count", "protocol", "reason", "step", "seconds", "samples"),
)
"""Columns with a meaning; any other column of a sweep was swept and defines series."""

ALIASES = {
    "parameters": ("parameters", "n", "n_params", "num_params", "params", "size", "model_size"),
    "value": ("value", "loss", "l", "val_loss", "test_loss", "y"),
    "steps": ("steps", "step", "s", "n_steps", "d", "tokens", "images", "samples_seen"),
    "seed": ("seed",),
    "run": ("run", "run_id", "id"),
    "rung": ("rung",),
}
"""How foreign tables call our columns, in lower case with underscores; the first found is taken."""

SWEEP_COLUMNS = {"run", "metric", "weights", "split", "value", "steps"}
"""A table with all of these is a sweep's; any other is foreign."""


class TableError(ValueError):
    """A table that cannot be read or fitted as asked; the message says what would be right."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Measurements in the columns of a sweep, one row each.

    `runs` has a row for every planned run (empty for a foreign table); `foreign` tables lack
    metric, weights, split and protocol; `mapping` says which of their columns became ours.
    """

    frame: pd.DataFrame
    source: str
    digest: str
    runs: pd.DataFrame = field(default_factory=pd.DataFrame)
    protocols: Mapping[str, Any] = field(default_factory=dict)
    directory: Path | None = None
    foreign: bool = False
    mapping: Mapping[str, str] = field(default_factory=dict)

    @property
    def swept(self) -> tuple[str, ...]:
        """Columns that tell series apart."""
        if self.foreign:
            return ()
        return tuple(name for name in self.frame.columns if name not in STANDARD)


def read(path: str | Path, columns: Mapping[str, str] | None = None) -> Table:
    """Read a sweep's directory or a file; `columns` maps our names to the file's.

    Raises TableError for a missing file, an unreadable one, or columns that are not there.
    """
    path = Path(path)
    if path.is_dir():
        return _read_directory(path)
    if not path.is_file():
        raise TableError(f"{path}: no such file or directory")
    return from_frame(_read_file(path), columns, source=str(path), digest=_digest(path))


def from_frame(
    frame: pd.DataFrame,
    columns: Mapping[str, str] | None = None,
    *,
    source: str = "data frame",
    digest: str | None = None,
) -> Table:
    """A Table from a data frame with our columns, or with others and a mapping."""
    if digest is None:
        digest = hashlib.sha256(frame.to_csv(index=False).encode()).hexdigest()[:16]
    if not columns and set(frame.columns) >= SWEEP_COLUMNS:
        if "learning_rate" not in frame:
            frame = frame.rename(columns={"train.learning_rate": "learning_rate"})
        return Table(frame=frame.reset_index(drop=True), source=source, digest=digest)
    mapping = _mapping(list(map(str, frame.columns)), dict(columns or {}), source)
    taken = {ours: frame[theirs].to_numpy() for ours, theirs in mapping.items()}
    renamed = pd.DataFrame(taken)
    for name in ("parameters", "value", "steps"):
        if name in renamed:
            renamed[name] = _numeric(renamed[name], mapping[name], source)
    return Table(frame=renamed, source=source, digest=digest, foreign=True, mapping=mapping)


def _read_directory(directory: Path) -> Table:
    path = directory / "measurements.parquet"
    if not path.is_file():
        raise TableError(
            f"{directory}: no measurements.parquet; a sweep's directory has one once a run has "
            "been measured (`scaling status` says how far it is)"
        )
    runs, protocols = directory / "runs.csv", directory / "protocols.json"
    table = from_frame(_read_file(path), source=str(directory), digest=_digest(path))
    if table.foreign:
        missing = ", ".join(sorted(SWEEP_COLUMNS - set(table.frame.columns)))
        raise TableError(f"{path}: not a sweep's table; it lacks {missing}")
    return Table(
        frame=table.frame,
        source=str(directory),
        digest=table.digest,
        runs=pd.read_csv(runs) if runs.is_file() else pd.DataFrame(),
        protocols=json.loads(protocols.read_text()) if protocols.is_file() else {},
        directory=directory,
    )


def _read_file(path: Path) -> pd.DataFrame:
    readers = {
        ".csv": pd.read_csv,
        ".tsv": lambda p: pd.read_csv(p, sep="\t"),
        ".jsonl": lambda p: pd.read_json(p, lines=True),
        ".ndjson": lambda p: pd.read_json(p, lines=True),
        ".parquet": pd.read_parquet,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise TableError(f"{path}: cannot read '{path.suffix}'; there are {', '.join(readers)}")
    try:
        frame = reader(path)
    except (ValueError, OSError) as error:  # pandas' and pyarrow's parse errors are ValueErrors
        raise TableError(f"{path}: cannot be read: {error}") from None
    if frame.empty:
        raise TableError(f"{path}: no rows")
    return frame


def _mapping(present: list[str], asked: dict[str, str], source: str) -> dict[str, str]:
    """Which of the present columns plays each of our roles; asked ones must exist."""
    mapping = {}
    for ours, theirs in asked.items():
        if ours not in ALIASES:
            raise TableError(
                f"unknown column '{ours}' in the mapping; it maps {', '.join(ALIASES)}"
            )
        if theirs not in present:
            raise TableError(f"{source}: no column '{theirs}'{nearest(theirs, present)}")
        mapping[ours] = theirs
    plain = {name.lower().replace(" ", "_").replace("-", "_"): name for name in reversed(present)}
    for ours, aliases in ALIASES.items():
        found = next((plain[alias] for alias in aliases if alias in plain), None)
        if ours not in mapping and found and found not in mapping.values():
            mapping[ours] = found
    for ours in ("parameters", "value"):
        if ours not in mapping:
            raise TableError(
                f"{source}: no column is recognised as '{ours}'{nearest(ours, present)}; "
                f"name it with --columns '{ours}=...'"
            )
    return mapping


def nearest(name: str, present: list[str]) -> str:
    """The end of an error message: the nearest name, if any is near, and all there are."""
    close = difflib.get_close_matches(name, present, n=1, cutoff=0.5)
    hint = f"; did you mean '{close[0]}'?" if close else ""
    return f"{hint} (there are: {', '.join(present)})"


def _numeric(values: pd.Series, name: str, source: str) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce")
    bad = numbers.isna() & values.notna()
    bad &= ~values.astype(str).str.lower().isin(["nan", "inf", "-inf"])
    if bad.any():
        row = int(bad.to_numpy().argmax())
        raise TableError(
            f"{source}: column '{name}' is not a number in data row {row + 1}: {values.iloc[row]!r}"
        )
    return numbers


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
