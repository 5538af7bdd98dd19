"""Opening a sweep's directory, and the runs in it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from scaling.errors import InputError
from sweeps.store.claims import SILENCE_SECONDS, server_clock
from sweeps.store.states import RunState, state_of
from sweeps.store.writing import read_json

LAYOUT_VERSION = 1
"""Raised whenever an older program would misread a sweep's directory."""


@dataclass(frozen=True)
class StoredRun:
    """A run's directory; `record` is its run.json: configuration and costs."""

    directory: Path

    @property
    def id(self) -> str:
        """The hash of its configuration."""
        return self.directory.name

    @property
    def record(self) -> dict[str, Any]:
        """run.json, which is written once."""
        return _record(self.directory)


@cache
def _record(directory: Path) -> dict[str, Any]:
    record = read_json(directory / "run.json")
    if record is None:
        raise InputError(f"{directory}: run.json is missing")
    return record


@dataclass(frozen=True)
class Store:
    """A sweep's directory. `silence`: seconds without a heartbeat before a claim is taken over.

    `read_only`: it cannot be written to, and so its file server's clock not be asked.
    """

    directory: Path
    silence: float = SILENCE_SECONDS
    read_only: bool = False

    @classmethod
    def open(cls, directory: str | Path, *, silence: float = SILENCE_SECONDS) -> "Store":
        """Open an existing sweep; InputError where there is none or another version wrote it."""
        store = cls(Path(directory), silence)
        if not store.directory.exists():
            raise InputError(f"{directory}: no such directory")
        found = read_json(store.directory / "sweep.json")
        if found is None:
            raise InputError(f"{directory}: not a sweep's directory: it has no sweep.json")
        layout = found.get("layout") if isinstance(found, dict) else None
        if layout != LAYOUT_VERSION:
            raise InputError(
                f"{directory}: written by another version of scaling (layout {layout}, this one "
                f"reads {LAYOUT_VERSION}); use that version, or give another directory"
            )
        return store

    @property
    def sweep(self) -> dict[str, Any]:
        """sweep.json as it is now: another process may add runs."""
        return read_json(self.directory / "sweep.json")

    def run(self, run_id: str) -> StoredRun:
        """The run of that id."""
        return StoredRun(self.directory / "runs" / run_id)

    @property
    def runs(self) -> list[StoredRun]:
        """The runs of the current manifest, in its order."""
        return [self.run(run_id) for run_id in self.sweep["runs"]]

    @property
    def stray(self) -> list[str]:
        """Ids of runs that an earlier manifest asked for and the current one does not."""
        wanted = set(self.sweep["runs"])
        folder = self.directory / "runs"
        found = (path.name for path in folder.iterdir()) if folder.exists() else ()
        return sorted(name for name in found if name not in wanted and not name.startswith("."))

    def clock(self) -> float:
        """The file server's time; of a directory that can only be read, this machine's."""
        return time.time() if self.read_only else server_clock(self.directory)

    def to_look_at(self) -> "Store":
        """The store for somebody who only looks, perhaps from where nothing can be written."""
        try:
            self.clock()
        except InputError:
            return replace(self, read_only=True)
        return self

    def state(self, run_id: str) -> RunState:
        """What the run's files say."""
        return state_of(self.run(run_id).directory, self.clock, self.silence)

    def states(self) -> Iterator[tuple[StoredRun, RunState]]:
        """Every run of the current manifest with its state."""
        for run in self.runs:
            yield run, self.state(run.id)
