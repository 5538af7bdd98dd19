"""Writes that are atomic or an append, and reads that forgive a torn last line."""

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scaling.errors import InputError
from scaling.files import beside, replacing

NO_ROOM = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission denied",
    errno.EPERM: "not permitted",
    errno.ENOSYS: "the file system cannot do this; it must have hard links",
    errno.EOPNOTSUPP: "the file system cannot do this; it must have hard links",
}
"""What a person can mend when the system refuses a file."""


@contextmanager
def plainly(path: Path) -> Iterator[None]:
    """Turn a refusal of the system into an InputError that names the file."""
    try:
        yield
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise InputError(f"{error.filename or path}: {NO_ROOM[error.errno]}") from error


def write(path: Path, content: str, *, durable: bool = True) -> None:
    """Replace `path` whole or not at all; `durable`: on the disk before this returns."""
    with plainly(path), replacing(path) as draft:
        _write(draft, content, durable=durable)


def publish(path: Path, content: str) -> bool:
    """Create `path` with `content` unless it exists; of several writers, the first wins.

    A file server may answer a request that it was sent twice with what the first has done.
    """
    with plainly(path), beside(path) as draft:
        _write(draft, content, durable=True)
        try:
            os.link(draft, path)
        except FileExistsError:
            return draft.samefile(path)
        return True


def _write(path: Path, content: str, *, durable: bool) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        if durable:
            os.fsync(file.fileno())


def to_json(content: Any) -> str:
    """Readable JSON with a final newline; not-a-number is refused."""
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


def read_json(path: Path) -> Any:
    """The content of a JSON file, or None where there is none.

    Raises InputError where the file is not JSON: no program of ours leaves one half-written.
    """
    try:
        with plainly(path):
            return json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise InputError(f"{path}: not valid JSON: {error}") from None


def read_lines(path: Path) -> tuple[list[Any], str | None]:
    """The objects of a JSON-lines file, and what was dropped: a torn last line.

    A worker that dies in the middle of an append leaves a last line without its newline; the
    lines before it are whole. Anything else that is not JSON raises InputError.
    """
    try:
        with plainly(path):
            text = path.read_text("utf-8", errors="replace")
    except FileNotFoundError:
        return [], None
    whole, newline, torn = text.rpartition("\n")
    try:
        rows = json.loads(f"[{','.join(filter(None, whole.splitlines()))}]") if newline else []
    except ValueError:
        raise InputError(f"{path}:{_first_bad_line(whole)}: not valid JSON") from None
    dropped = f"{path}: dropped a torn last line of {len(torn)} characters" if torn else None
    return rows, dropped


def _first_bad_line(text: str) -> int:
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            json.loads(line or "null")
        except ValueError:
            return number
    return 1
