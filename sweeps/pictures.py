"""Where finished runs keep the pictures that are compared with real ones."""

import re
from pathlib import Path

from scaling.errors import InputError
from sweeps.store import Store
from sweeps.store.writing import read_json

ARCHIVE = re.compile(r"preference-(\d+)\.npz")


def archives(store: Store) -> tuple[dict[str, Path], list[str]]:
    """The last archive of each finished run, by run id; and the finished runs that have none.

    InputError where no run has one.
    """
    found: dict[str, Path] = {}
    without = []
    for run, state in store.states():
        if state.status != "finished":
            continue
        attempt = read_json(run.directory / "result.json")["attempt"]
        folder = run.directory / "attempts" / str(attempt) / "samples"
        named = {int(m[1]): p for p in folder.glob("*.npz") if (m := ARCHIVE.fullmatch(p.name))}
        if named:
            found[run.id] = named[max(named)]
        else:
            without.append(run.id)
    if not found:
        raise InputError(
            f"{store.directory}: no finished run has pictures to compare; a run keeps them where "
            "its manifest has `measure.preference`"
        )
    return found, without
