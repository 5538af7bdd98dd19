"""What was found in files, kept in the cache by the state that each file was in."""

from collections.abc import Sequence
from pathlib import Path

from scaling.data.files import reading
from scaling.data.files.example import Example, Fault
from scaling.files import keeping

Entry = Example | Fault
State = tuple[int, int]
"""A file's size, and the time of its last change in ns."""

COLUMNS = ("file", "size", "changed", *Example._fields, "reason")
NEITHER = (None,) * (len(Example._fields) - 1)


def state_of(file: Path) -> State:
    """As it is now. InputError where it has gone, or its disk."""
    try:
        about = file.stat()
    except OSError as error:
        raise reading.unreadable(file, error) from error
    return about.st_size, about.st_mtime_ns


def values(entry: Entry) -> tuple[object, ...]:
    """An example's without a reason, or a fault's name and reason."""
    if isinstance(entry, Example):
        return (*entry, None)
    return (entry.name, *NEITHER, entry.reason)


def save(path: Path, of_files: Sequence[tuple[str, State, list[Entry]]]) -> None:
    """One row an entry, with its file's name and state. InputError where the cache takes none."""
    import pyarrow as pa
    from pyarrow import parquet

    lines = [
        (name, *state, *values(entry)) for name, state, entries in of_files for entry in entries
    ]
    columns = [list(column) for column in zip(*lines, strict=True)] or [[] for _ in COLUMNS]
    with keeping(path) as draft:
        parquet.write_table(pa.table(columns, COLUMNS), draft)


def load(path: Path) -> dict[tuple[str, int, int], list[Entry]]:
    """The entries of each file in the state it was in; none where the cache has nothing whole."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        columns = parquet.read_table(path, columns=list(COLUMNS)).to_pydict().values()
    except (OSError, pa.ArrowException):
        return {}
    found: dict[tuple[str, int, int], list[Entry]] = {}
    for name, size, changed, *example, reason in zip(*columns, strict=True):
        entry = Example(*example) if reason is None else Fault(example[0], reason)
        found.setdefault((name, size, changed), []).append(entry)
    return found
