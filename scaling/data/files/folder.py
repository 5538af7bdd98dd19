"""Folders of images: captions in metadata or sidecars, or classes as folders' names."""

import csv
import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from scaling.data.files.example import (
    Example,
    Fault,
    Fields,
    as_caption,
    as_label,
    key_of,
    pick,
)
from scaling.errors import InputError

METADATA = ("metadata.jsonl", "metadata.csv")


def scan(path: Path, root: Path, fields: Fields) -> Iterator[Example | Fault]:
    """The one image of a file; what belongs to it is told by `told`, since it lies elsewhere."""
    content = path.read_bytes()
    name = path.relative_to(root).as_posix()
    if content:
        yield Example(name, 0, len(content), key_of(content))
    else:
        yield Fault(name, "is empty")


def told(path: Path, root: Path, fields: Fields) -> tuple[str | None, str | None]:
    """Caption and class: of a metadata file here or above, else of a .txt, else of the folder.

    Metadata are those of Hugging Face's imagefolder: a row an image with its `file_name`.
    """
    for folder in (path.parent, *path.parent.parents):
        rows = metadata(folder)
        if rows is not None:
            row = rows.get(path.relative_to(folder).as_posix(), {})
            caption, label = pick("caption", fields, row), pick("label", fields, row)
            return as_caption(row.get(caption or "")), as_label(row.get(label or ""))
        if folder == root:
            break
    caption = path.with_suffix(".txt")
    if caption.is_file():
        return as_caption(caption.read_text("utf-8", "replace")), None
    return None, None if path.parent == root else path.parent.relative_to(root).as_posix()


@lru_cache(maxsize=4096)
def metadata(folder: Path) -> Mapping[str, Mapping[str, Any]] | None:
    """Rows of a folder's metadata by file name, if it has any. InputError for a broken line."""
    for name in METADATA:
        path = folder / name
        if not path.is_file():
            continue
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file)) if name.endswith("csv") else list(lines(path, file))
        missing = next((at for at, row in enumerate(rows, 1) if "file_name" not in row), None)
        if missing is not None:
            raise InputError(f"file '{path}': row {missing} has no file_name")
        return {row["file_name"]: row for row in rows}
    return None


def lines(path: Path, file: Any) -> Iterator[dict[str, Any]]:
    """The objects of a .jsonl."""
    for number, line in enumerate(file, 1):
        try:
            if line.strip():
                yield dict(json.loads(line))
        except (TypeError, ValueError) as error:
            raise InputError(f"file '{path}', line {number}: {error}") from None
