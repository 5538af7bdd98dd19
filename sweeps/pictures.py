"""Where finished runs keep the pictures that are compared with real ones."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from scaling.errors import InputError
from sweeps.store import Store, StoredRun
from sweeps.store.writing import read_json

ARCHIVE = "preference"
"""What archives of the pictures of a run are called, before the step."""
SETTINGS = "settings"
"""The same of those of a run under each setting of inference that it tried."""


def archive_of(attempt: Path, kind: str = ARCHIVE) -> Path | None:
    """The last one that an attempt kept."""
    files = (attempt / "samples").glob("*.npz")
    named = {
        int(m[1]): path for path in files if (m := re.fullmatch(rf"{kind}-(\d+)\.npz", path.name))
    }
    return named[max(named)] if named else None


def archives(store: Store) -> tuple[dict[str, Path], list[str]]:
    """The last archive of each finished run, by run id; and the finished runs that have none.

    InputError where no run has one.
    """
    kept = {run.id: archive_of(attempt) for run, attempt in _finished(store)}
    found = {run: path for run, path in kept.items() if path is not None}
    if not found:
        raise InputError(
            f"{store.directory}: no finished run has pictures to compare; a run keeps them where "
            "its manifest has `measure.preference`"
        )
    return found, [run for run, path in kept.items() if path is None]


def settings_archive(store: Store, asked: str) -> tuple[str, Path]:
    """The id of the finished run of that id or rung, and its archive of pictures by setting.

    InputError where there is none, or several runs are of the rung.
    """
    finished = {run.id: (run.record, attempt) for run, attempt in _finished(store)}
    told = {
        run: f"{run} ({record['rung']}, seed {record['seed']})"
        for run, (record, _) in finished.items()
    }
    named = [run for run, (record, _) in finished.items() if asked in (run, record["rung"])]
    if not named:
        there = ", ".join(told.values()) or "none"
        raise InputError(
            f"{store.directory}: '{asked}' is no finished run or rung; there are: {there}"
        )
    if len(named) > 1:
        several = ", ".join(told[run] for run in named)
        raise InputError(
            f"{store.directory}: '{asked}' is the rung of several runs, {several}; name one"
        )
    archive = archive_of(finished[named[0]][1], SETTINGS)
    if archive is None:
        raise InputError(
            f"{store.directory}: run {named[0]} kept no pictures by setting; set "
            "measure.distances.inference.keep in its manifest, e.g. to 64, beside settings to try"
        )
    return named[0], archive


def settings_archives(store: Store, runs: Iterable[str]) -> Iterator[tuple[str, Path]]:
    """Every archive of pictures by setting that an attempt at one of these runs kept."""
    for run in runs:
        for attempt in sorted((store.run(run).directory / "attempts").glob("*")):
            if (archive := archive_of(attempt, SETTINGS)) is not None:
                yield run, archive


def _finished(store: Store) -> Iterator[tuple[StoredRun, Path]]:
    """Finished runs, with the attempt that finished each."""
    for run, state in store.states():
        if state.status == "finished":
            number = read_json(run.directory / "result.json")["attempt"]
            yield run, run.directory / "attempts" / str(number)
