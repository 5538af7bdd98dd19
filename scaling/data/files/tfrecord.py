"""TFRecord files of tf.train.Example, read without TensorFlow.

A record is its length (8 bytes), a checksum of that, the content and a checksum of the content.
The first is checked whenever a file is looked through. The second takes longer than all else that
is done then, and is checked by `verify` alone.
"""

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from scaling.data.files import reading
from scaling.data.files.crc32c import masked
from scaling.data.files.example import (
    Example,
    Fault,
    Fields,
    as_caption,
    as_label,
    key_of,
    pick,
)

HEADER = struct.Struct("<QI")
TRAILER = 4  # bytes of the content's checksum
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # protobuf's wire types
DAMAGED = "its checksum is not that of its content: it was damaged, copy or download the file again"


class Record(NamedTuple):
    """Where a record's content lies."""

    name: str
    start: int
    length: int


def scan(path: Path, root: Path, fields: Fields) -> Iterator[Example | Fault]:
    """One example a record, its image by its place in the file."""
    for found in records(path):
        if isinstance(found, Fault):
            yield found
            return
        content = reading.part(path, found.start, found.length)
        yield example(content, found.start, found.name, fields)


def verify(path: Path) -> Iterator[Fault]:
    """The records whose content has another checksum than was written behind it."""
    for found in records(path):
        if isinstance(found, Record):
            content = memoryview(reading.part(path, found.start, found.length + TRAILER))
            if int.from_bytes(content[found.length :], "little") != masked(content[: found.length]):
                yield Fault(found.name, DAMAGED)


def records(path: Path) -> Iterator[Record | Fault]:
    """All of a file, to the first that ends too soon or has no length."""
    at, number, size = 0, 0, path.stat().st_size
    while at < size:
        header = reading.part(path, at, HEADER.size)
        name = f"{path.name}: record {number}"
        if len(header) < HEADER.size:
            yield Fault(name, "the file is cut short in it", damage=True)
            return
        length, crc = HEADER.unpack(header)
        if crc != masked(header[:8]):
            told = "its length is damaged: it and all after it cannot be read"
            yield Fault(name, told, damage=True)
            return
        at += HEADER.size
        if at + length + TRAILER > size:
            yield Fault(name, "the file is cut short in it", damage=True)
            return
        yield Record(name, at, length)
        at, number = at + length + TRAILER, number + 1


def example(content: bytes, start: int, name: str, fields: Fields) -> Example | Fault:
    """Of a serialised tf.train.Example that begins at `start` of its file."""
    try:
        features = {
            key: value for key, value in features_of(memoryview(content)) if value is not None
        }
    except (ValueError, IndexError, UnicodeDecodeError):
        return Fault(name, "is no tf.train.Example")
    image = pick("image", fields, features)
    if image is None or not isinstance(features[image], memoryview):
        return Fault(name, f"no feature of an image among {', '.join(features)}: see data.fields")
    found = features[image]
    told: Mapping[str, Any] = {
        key: bytes(value) if isinstance(value, memoryview) else value
        for key, value in features.items()
        if key != image
    }
    caption, label = pick("caption", fields, told), pick("label", fields, told)
    return Example(
        name,
        start + place(content, found),
        len(found),
        key_of(found),
        as_caption(told.get(caption or "")),
        as_label(told.get(label or "")),
    )


def place(content: bytes, inside: memoryview) -> int:
    """Where a view that was cut from `content` begins."""
    import numpy as np

    first = [
        np.frombuffer(part, np.uint8).__array_interface__["data"][0] for part in (content, inside)
    ]
    return first[1] - first[0]


def features_of(content: memoryview) -> Iterator[tuple[str, Any]]:
    """Names and first values: bytes as a view, integers as int; None for floats and empty lists."""
    for _, features in parts(content, {1}):
        for _, entry in parts(features, {1}):
            told = dict(parts(entry, {1, 2}))
            value: Any = None
            for kind, values in parts(told.get(2, memoryview(b"")), {1, 3}):
                for _, first in parts(values, {1}):
                    value = first
                    if kind == 3 and isinstance(first, memoryview):  # packed
                        value = varint(first, 0)[0]
                    break
            yield bytes(told[1]).decode(), value


def parts(content: memoryview, wanted: set[int]) -> Iterator[tuple[int, Any]]:
    """The wanted fields of a protobuf message: numbers of varints, views of what has a length."""
    at = 0
    while at < len(content):
        tag, at = varint(content, at)
        number, wire = tag >> 3, tag & 7
        if wire == VARINT:
            value, at = varint(content, at)
        elif wire in (FIXED64, FIXED32):
            size = 8 if wire == FIXED64 else 4
            value, at = content[at : at + size], at + size
        elif wire == BYTES:
            size, at = varint(content, at)
            if at + size > len(content):
                raise ValueError("cut short")
            value, at = content[at : at + size], at + size
        else:
            raise ValueError("no protobuf")
        if number in wanted:
            yield number, value


def varint(content: memoryview, at: int) -> tuple[int, int]:
    """A number and the place after it."""
    value = shift = 0
    while True:
        byte = content[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
