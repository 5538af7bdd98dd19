"""ArrayRecord files of tf.train.Example or of bare images, read by record number."""

import threading
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from scaling.data.files import reading, tfrecord
from scaling.data.files.example import Example, Fault, Fields, key_of

MAGIC = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"GIF8", b"BM")
"""How bare images begin."""

READERS = threading.local()


def scan(path: Path, root: Path, fields: Fields) -> Iterator[Example | Fault]:
    """One example a record; `offset` packs the record's number and the image's place in it."""
    reader, whole = opened(path), False
    if not reader.ok():
        reading.through(path)  # the library does not say whether it was the disk that failed
        yield Fault(path.name, "is damaged or cut short", damage=True)
        return
    for number in range(reader.num_records()):
        name = f"{path.name}: record {number}"
        try:
            content = record(path, number)
        except OSError as error:
            if not whole:
                reading.through(path)
            whole = True
            yield Fault(name, f"cannot be read ({error})", damage=True)
            continue
        if content.startswith(MAGIC):
            yield Example(name, number << 32, len(content), key_of(content))
            continue
        found = tfrecord.example(content, 0, name, fields)
        if isinstance(found, Example):
            found = found._replace(offset=(number << 32) + found.offset)
        yield found


def read(path: Path, offset: int, length: int) -> bytes:
    """An image again."""
    content = record(path, offset >> 32)
    start = offset & 0xFFFFFFFF
    return content[start : start + length]


def record(path: Path, number: int) -> bytes:
    """Its content. OSError where it is damaged."""
    try:
        (content,) = opened(path).read([number])
    except (RuntimeError, ValueError, IndexError) as error:
        raise OSError(str(error)) from None
    return content


def opened(path: Path) -> Any:
    """A reader of this thread's own: one may not be shared."""
    if not hasattr(READERS, "of"):
        READERS.of = lru_cache(maxsize=32)(reader)
    return READERS.of(path)


def reader(path: Path) -> Any:
    """Without reading ahead: places are random."""
    from array_record.python.array_record_module import ArrayRecordReader

    return ArrayRecordReader(str(path), "readahead_buffer_size:0,max_parallelism:0")
