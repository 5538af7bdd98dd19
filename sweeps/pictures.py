"""Where finished runs keep the pictures that are compared with real ones."""

import re
from pathlib import Path

from scaling.errors import InputError
from sweeps.store import Store
from sweeps.store.writing import read_json

ARCHIVE = re.compile(r"preference-(\d+)\.npz")


def archive_of(attempt: Path) -> Path | None:
    """The last one that an attempt kept."""
    files = (attempt / "samples").glob("*.npz")
    named = {int(m[1]): path for path in files if (m := ARCHIVE.fullmatch(path.name))}
    return named[max(named)] if named else None


def archives(store: Store) -> tuple[dict[str, Path], list[str]]:
    """The last archive of each finished run, by run id; and the finished runs that have none.

    InputError where no run has one.
    """
    found: dict[str, Path] = {}
    without = []
    for run, state in store.states():
        if state.status != "finished":
            continue
        number = read_json(run.directory / "result.json")["attempt"]
        archive = archive_of(run.directory / "attempts" / str(number))
        if archive is not None:
            found[run.id] = archive
        else:
            without.append(run.id)
    if not found:
        raise InputError(
            f"{store.directory}: no finished run has pictures to compare; a run keeps them where "
            "its manifest has `measure.preference`"
        )
    return found, without
