"""What an index knows of one example, and of one that cannot be used."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
USUAL: Mapping[str, Sequence[str]] = {
    "image": ("image", "img", "images", "image/encoded", "image_raw", "jpg", "png", "webp", "jpeg"),
    "caption": ("text", "caption", "captions", "txt", "prompt", "description", "caption/text"),
    "label": ("label", "labels", "cls", "class", "fine_label", "image/class/label"),
}
"""By which names the parts of an example are found unless `data.fields` names them."""

Fields = Mapping[str, str]
"""A name for each of image, caption and label; empty: one of the usual ones."""


class Example(NamedTuple):
    """Where an image lies in its file, and what belongs to it. `key` is the hash of its bytes."""

    name: str
    offset: int
    length: int
    key: str
    caption: str | None = None
    label: str | None = None  # a number of a class or its name


class Fault(NamedTuple):
    """Something that is no example, and why.

    `damage` is of the file and not of what somebody wrote into it: it is looked for anew each time.
    """

    name: str
    reason: str
    damage: bool = False


class Format(NamedTuple):
    """A way to keep images in files. `scan(path, root, fields)` goes once through a whole file.

    `read(path, offset, length)` gives an image again, encoded or as an array, and may be called
    from many threads. `copy(path)` is the file in the cache that it reads from, if it does.
    `verify(path)` gives the records whose checksum is another, where the scan does not look.
    """

    pattern: str  # of the files' names
    scan: Callable[[Path, Path, Fields], Iterator[Example | Fault]]
    read: Callable[[Path, int, int], bytes | np.ndarray]
    copy: Callable[[Path], Path] | None = None
    verify: Callable[[Path], Iterator[Fault]] | None = None


def key_of(content: bytes | memoryview | np.ndarray) -> str:
    """Of an image, from its bytes alone: 128 bits in hex."""
    return blake2b(content, digest_size=16).hexdigest()


def pick(part: str, fields: Fields, among: Mapping[str, Any] | Sequence[str]) -> str | None:
    """The name under which a part of an example is found, if any."""
    wanted = [fields[part]] if fields.get(part) else USUAL[part]
    return next((name for name in wanted if name in among), None)


def as_caption(value: Any) -> str | None:
    """Text of one line, or the first of several captions; None for what is empty or no text."""
    if isinstance(value, list | tuple):
        value = value[0] if value else None
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return " ".join(value.split()) or None if isinstance(value, str) else None


def as_label(value: Any) -> str | None:
    """A class's number or name as text."""
    if isinstance(value, list | tuple):
        value = value[0] if value else None
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return None if value is None or value == "" else str(value).strip()
