"""What a table is, and the error of one that cannot be read."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

STANDARD = (
    *("run", "rung", "seed", "width", "depth", "learning_rate", "transfer"),
    *("parameters", "parameters_non_embedding", "steps", "images", "unique_data", "flops"),
    *("status", "weights", "split", "metric", "log_snr", "value"),
    *("standard_error", "shared_error", "count", "protocol"),
    *("reason", "step", "seconds", "samples"),
)
"""Columns with a meaning; any other column of a sweep was swept and defines series."""

SWEEP_COLUMNS = {"run", "metric", "weights", "split", "value", "steps"}
"""A table with all of these is a sweep's; any other is foreign."""


class TableError(ValueError):
    """A table that cannot be read or fitted as asked; the message says what would be right."""


@dataclass(frozen=True, kw_only=True)
class Exclusion:
    """Something left out of a fit, and why."""

    run: str
    rung: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Table:
    """Measurements in the columns of a sweep, one row each.

    `runs` has a row for every planned run (empty for a foreign table); `foreign` tables have
    metric, weights, split and protocol only where columns are so called; `mapping` says which of
    their columns, or what sum of them, became ours. Their other numeric columns keep their names.
    `excluded` are the rows that cannot be used, `notes` what a reader should know of how the rest
    was read.

    Values at inference settings other than the manifest's are not in `frame`, where they would mix
    with the others: `tried` has them in the columns `inference` (candidate or best) and `setting`,
    beside the fixed setting's values of the same metrics, where `inference` is empty.
    """

    frame: pd.DataFrame
    source: str
    digest: str
    runs: pd.DataFrame = field(default_factory=pd.DataFrame)
    protocols: Mapping[str, Any] = field(default_factory=dict)
    directory: Path | None = None
    foreign: bool = False
    mapping: Mapping[str, str] = field(default_factory=dict)
    excluded: tuple[Exclusion, ...] = ()
    notes: tuple[str, ...] = ()
    tried: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def swept(self) -> tuple[str, ...]:
        """Columns that tell series apart."""
        if self.foreign:
            return ()
        return tuple(name for name in self.frame.columns if name not in STANDARD)

    def summary(self) -> str:
        """One line on what was read, and as what."""
        frame, read_as = self.frame, ", ".join(f"{k} = {v}" for k, v in self.mapping.items())
        counts = f"{len(frame):,} rows, {frame['run'].nunique():,} runs"
        return f"{self.source}: {counts}, {frame['rung'].nunique():,} sizes; {read_as}"


def apart(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A sweep's rows at the fixed inference setting, and what becomes `Table.tried`."""
    if "inference" not in frame:
        return frame, pd.DataFrame()
    told = frame[["inference"]].fillna("").astype(str)["inference"]
    fixed = frame[told == ""].drop(columns=["inference", "setting"], errors="ignore")
    compared = frame["metric"].isin(frame["metric"][told != ""]) & (frame["weights"] != "real")
    setting = frame["setting"].fillna("").astype(str) if "setting" in frame else ""
    tried = frame.assign(inference=told, setting=setting)[compared]
    return fixed.reset_index(drop=True), tried.reset_index(drop=True)


def nearest(name: str, present: Iterable[str]) -> str:
    """The end of an error message: the nearest name, if any is near, and all there are."""
    present = list(present)
    close = difflib.get_close_matches(name, present, n=1, cutoff=0.5)
    hint = f"; did you mean '{close[0]}'?" if close else ""
    return f"{hint} (there are: {', '.join(present)})"
