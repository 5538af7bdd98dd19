"""Bytes at a place of a file, from many threads."""

import os
import weakref
from functools import lru_cache
from pathlib import Path


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
