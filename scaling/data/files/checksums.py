"""Records that are not as they were written, by the checksums of their format.

`scaling data check` looks for them, since it takes longer than reading does. What it finds is of a
file in the state that it was in, and no longer said of one that was changed or moved.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

from scaling.data.files import reading
from scaling.data.files.entries import Entry, State, state_of
from scaling.data.files.example import Example, Fault
from scaling.files import cache_directory, keeping


def look(verify: Callable[[Path], Iterator[Fault]], files: Sequence[Path]) -> None:
    """Through all files, and keep what is found. InputError where one cannot be read."""

    def one(file: Path) -> None:
        state = state_of(file)
        try:
            found = {fault.name: fault.reason for fault in verify(file)}
        except OSError as error:
            raise reading.unreadable(file, error) from error
        if not found:
            list_of(file).unlink(missing_ok=True)
            return
        with keeping(list_of(file)) as draft:
            draft.write_text(json.dumps({"state": state, "records": found}, indent=1) + "\n")

    with ThreadPoolExecutor() as pool:
        list(pool.map(one, files))


def without(entries: Iterable[Entry], file: Path, state: State) -> list[Entry]:
    """With a fault for each example that the last look found damaged in the file as it is."""
    damaged = found(file, state)
    return [
        Fault(entry.name, damaged[entry.name])
        if isinstance(entry, Example) and entry.name in damaged
        else entry
        for entry in entries
    ]


def found(file: Path, state: State) -> Mapping[str, str]:
    """Why records cannot be used, by name; none of a file that is not as it was."""
    path = list_of(file)
    try:
        kept = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise reading.unreadable(path, error) from error
    return kept["records"] if tuple(kept["state"]) == state else {}


def list_of(file: Path) -> Path:
    """Where what was found in a file is kept, if anything was."""
    name = sha256(str(file.resolve()).encode()).hexdigest()[:16]
    return cache_directory("data") / "damaged" / f"{name}.json"
