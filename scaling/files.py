"""Files that appear whole or not at all, and where what may be made again is kept."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scaling.errors import InputError


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A hidden name in the same folder, its own for every caller; gone at the end."""
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}")
    try:
        yield draft
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A draft that takes the place of `path` if the block ends well; whoever else writes it too."""
    with beside(path) as draft:
        yield draft
        draft.replace(path)


@contextmanager
def keeping(path: Path) -> Iterator[Path]:
    """As `replacing`, of a file of the cache. InputError where the cache takes none."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as draft:
            yield draft
    except OSError as error:
        raise InputError(
            f"the cache cannot keep '{path}' ({error.strerror or error}); make room there, or name "
            "another folder in SCALING_CACHE"
        ) from error


def cache_directory(of: str) -> Path:
    """A folder under SCALING_CACHE or the user's cache."""
    if given := os.environ.get("SCALING_CACHE"):
        return Path(given) / of
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "scaling" / of
