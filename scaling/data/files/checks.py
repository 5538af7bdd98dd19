"""Decoding all images once: which cannot be, and of what size the others are."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scaling.data.files import reading
from scaling.data.files.decode import Undecodable, decode, upright_size
from scaling.data.files.index import Index
from scaling.files import cache_directory, keeping

SMALL = 16  # pixels a side: all of an image's bytes are read whatever size is asked for
AT_ONCE = 1024


@dataclass(frozen=True, kw_only=True)
class Checked:
    """Reasons why images cannot be decoded, by key; how many there are of each (width, height)."""

    undecodable: Mapping[str, str]
    sizes: Mapping[tuple[int, int], int]


def list_of(index: Index) -> Path:
    """Where the list of undecodable images is kept: of the same images, wherever they lie."""
    return cache_directory("data") / "checked" / f"{index.digest}.json"


def undecodable(index: Index) -> Mapping[str, str] | None:
    """What an earlier check found, or None if there was none. InputError."""
    path = list_of(index)
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise reading.unreadable(path, error) from error


def check(index: Index, progress: Callable[[int], None] = lambda done: None) -> Checked:
    """Decode every image, and keep the list of those that cannot be.

    InputError where one cannot be read: the list is of what lies in the files.
    """

    def one(row: int) -> tuple[int, int] | str:
        try:
            content = index.read(row)
        except OSError as error:
            raise reading.unreadable(index.examples[row].name, error) from error
        try:
            decode(content, SMALL, 3)
            return upright_size(content)
        except Undecodable as error:
            return str(error)

    found: list[tuple[int, int] | str] = []
    with ThreadPoolExecutor() as pool:
        for first in range(0, len(index.examples), AT_ONCE):
            found += pool.map(one, range(first, min(first + AT_ONCE, len(index.examples))))
            progress(len(found))
    bad = {
        example.key: told
        for example, told in zip(index.examples, found, strict=True)
        if isinstance(told, str)
    }
    with keeping(list_of(index)) as draft:
        draft.write_text(json.dumps(bad, indent=1) + "\n")
    return Checked(undecodable=bad, sizes=Counter(s for s in found if not isinstance(s, str)))


def histogram(sizes: Mapping[tuple[int, int], int]) -> list[tuple[int, int]]:
    """(shorter side's lower end, images), by powers of two."""
    counts: Counter[int] = Counter()
    for (width, height), count in sizes.items():
        counts[2 ** int(np.log2(min(width, height)))] += count
    return sorted(counts.items())
