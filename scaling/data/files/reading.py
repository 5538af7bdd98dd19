"""Bytes at a place of a file, from many threads; and whether the file or the disk is at fault."""

import errno
import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from scaling.errors import InputError

OF_CONTENT = (None, errno.EINVAL)
"""Numbers of an OSError that libraries raise, or a place beyond all places leads to."""


AT_ONCE = 1 << 24  # bytes


class Damaged(Exception):
    """What lies in a file is not whole."""


@contextmanager
def of_content(path: Path, *told_by: type[Exception]) -> Iterator[None]:
    """Damaged, for what a format's reader raises, unless it is the disk that failed.

    Then InputError: what lies in such a file is not known.
    """
    try:
        yield
    except OSError as error:
        if error.errno in OF_CONTENT:
            raise Damaged(str(error)) from None
        raise unreadable(path, error) from error
    except told_by as error:
        raise Damaged(str(error)) from None


def unreadable(path: Path | str, error: OSError) -> InputError:
    """In words, for a disk, a network or permissions that failed."""
    return InputError(
        f"'{path}' cannot be read ({error.strerror or error}). Nothing of it was left out: try "
        "again when it can be"
    )


class Handle:
    """An open file, closed when it is forgotten."""

    def __init__(self, path: Path):
        self.number = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self.number)


@lru_cache(maxsize=256)
def opened(path: Path) -> Handle:
    """Kept open for the next reader."""
    return Handle(path)


def part(path: Path, offset: int, length: int) -> bytes:
    """Bytes from `offset` on; fewer where the file ends. OSError."""
    handle = opened(path)
    return os.pread(handle.number, length, offset)


def whole(path: Path, offset: int, length: int) -> bytes:
    """All bytes of a small file."""
    return path.read_bytes()


def through(path: Path) -> None:
    """To the end and forget it: OSError where it is the disk that fails."""
    with path.open("rb") as file:
        while file.read(AT_ONCE):
            pass
