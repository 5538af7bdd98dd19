"""Parquet and Arrow files with a column of images, as Hugging Face's `datasets` writes them."""

import io
import json
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

from scaling.data.files import reading
from scaling.data.files.example import (
    Example,
    Fault,
    Fields,
    as_caption,
    as_label,
    key_of,
    pick,
)
from scaling.files import cache_directory, keeping

ROWS_AT_ONCE = 256


def scan(path: Path, root: Path, fields: Fields) -> Iterator[Example | Fault]:
    """One example a row: its image copied once to the cache, where it can be read at random.

    A row of either format lies compressed among hundreds of others.
    """
    shard, done = path.name, 0
    with keeping(packed(path)) as draft, draft.open("wb") as file:
        try:
            for batch in batches(path):
                column = pick("image", fields, batch.schema.names)
                if column is None:
                    names = ", ".join(batch.schema.names)
                    yield Fault(shard, f"no column of images among {names}: say data.fields.image")
                    return
                classes = class_names(batch.schema)
                for row in batch.to_pylist():
                    yield example(row, column, f"{shard}: row {done}", root, file, fields, classes)
                    done += 1
        except reading.Damaged as error:
            yield Fault(shard, f"is damaged or cut short after row {done} ({error})", damage=True)


def batches(path: Path) -> Iterator[Any]:
    """Record batches of either format. Damaged, or InputError where the disk fails."""
    import pyarrow as pa

    with reading.of_content(path, pa.ArrowException, EOFError):
        yield from parts_of(path)


def parts_of(path: Path) -> Iterator[Any]:
    """Of at most ROWS_AT_ONCE rows."""
    import pyarrow as pa
    from pyarrow import parquet

    if path.suffix == ".parquet":
        with parquet.ParquetFile(path) as table:
            yield from table.iter_batches(ROWS_AT_ONCE)
        return
    with pa.memory_map(str(path)) as mapped:
        if mapped.read(6) == b"ARROW1":
            reader = pa.ipc.open_file(mapped)
            parts = (reader.get_batch(i) for i in range(reader.num_record_batches))
        else:
            mapped.seek(0)
            parts = pa.ipc.open_stream(mapped)
        for part in parts:
            for first in range(0, part.num_rows, ROWS_AT_ONCE):
                yield part.slice(first, ROWS_AT_ONCE)


def example(
    row: Mapping[str, Any],
    column: str,
    name: str,
    root: Path,
    file: io.BufferedWriter,
    fields: Fields,
    classes: Mapping[str, list[str]],
) -> Example | Fault:
    """Of a row; its image is bytes, or Hugging Face's struct of bytes and path."""
    image = row[column]
    content = image.get("bytes") if isinstance(image, Mapping) else image
    if content is None and isinstance(image, Mapping) and image.get("path"):
        beside = root / image["path"]
        if not beside.is_file():
            return Fault(name, f"there is no file '{beside}'")
        try:
            content = beside.read_bytes()
        except OSError as error:
            raise reading.unreadable(beside, error) from error
    if not isinstance(content, bytes) or not content:
        return Fault(name, f"its {column} is {type(content).__name__}, not the bytes of an image")
    at = file.tell()
    file.write(content)
    caption, label = pick("caption", fields, row), pick("label", fields, row)
    found = row[label] if label else None
    names = classes.get(label or "", [])
    if isinstance(found, int) and 0 <= found < len(names):
        found = names[found]
    return Example(
        name,
        at,
        len(content),
        key_of(content),
        as_caption(row.get(caption or "")),
        as_label(found),
    )


def class_names(schema: Any) -> Mapping[str, list[str]]:
    """Names of the classes of each column that Hugging Face declares as a ClassLabel."""
    told = (schema.metadata or {}).get(b"huggingface")
    if told is None:
        return {}
    features = json.loads(told).get("info", {}).get("features", {})
    return {
        name: feature["names"]
        for name, feature in features.items()
        if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
    }


def packed(path: Path) -> Path:
    """Where the images of a file as it is now are copied to."""
    about = path.stat()
    told = f"{path.resolve()} {about.st_size} {about.st_mtime_ns}".encode()
    return cache_directory("data") / "packed" / f"{blake2b(told, digest_size=12).hexdigest()}.bin"


def read(path: Path, offset: int, length: int) -> bytes:
    """An image from the copy. FileNotFoundError where the cache was emptied."""
    return reading.part(packed(path), offset, length)
