"""The index of a set: where each image lies and what belongs to it, kept in the cache.

Making it reads every byte once, for an image's identity is the hash of its bytes. Later, only files
whose size or time of change differ, and damaged ones, are read again. A disk that fails is no
property of a file: then there is no index.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from scaling.data.files import checksums, folder, reading
from scaling.data.files.entries import Entry, State, load, save, state_of
from scaling.data.files.example import Example, Fault, Format, key_of
from scaling.data.files.formats import FORMATS, found
from scaling.files import cache_directory

VERSION = 2  # raised when the same files would give another index


@dataclass(frozen=True, kw_only=True, eq=False)
class Index:
    """Examples in the order of their keys, which no name of a file can change; and what is none."""

    root: Path
    format: str
    files: tuple[Path, ...]
    examples: tuple[Example, ...]
    of_file: tuple[int, ...]  # the number of each example's file
    faults: tuple[Fault, ...]

    def read(self, row: int) -> bytes | np.ndarray:
        """An example's image, encoded or as an array. OSError where its file is as it was not."""
        example = self.examples[row]
        content = FORMATS[self.format].read(
            self.files[self.of_file[row]], example.offset, example.length
        )
        if not isinstance(content, np.ndarray) and len(content) != example.length:
            raise OSError(f"the file is {example.length - len(content)} bytes shorter than it was")
        return content

    @property
    def digest(self) -> str:
        """Of all images' bytes, in any format and order."""
        return key_of("".join(example.key for example in self.examples).encode())


@lru_cache(maxsize=8)
def index(path: str, wanted: str, fields: tuple[tuple[str, str], ...]) -> Index:
    """Looked at once in a process. InputError where there is nothing to index."""
    root = Path(path)
    name, files = found(root, wanted)
    if name != wanted:
        return index(path, name, fields)
    given, base = dict(fields), root if root.is_dir() else root.parent
    entries = scanned(FORMATS[name], files, base, given, told=(name, *fields))
    rows: list[tuple[Example, int]] = []
    faults: list[Fault] = []
    for number, (file, of_file) in enumerate(zip(files, entries, strict=True)):
        for entry in of_file:
            if isinstance(entry, Fault):
                faults.append(entry)
                continue
            if name != "folder":
                rows.append((entry, number))
                continue
            caption, label = folder.told(file, base, given)
            rows.append((entry._replace(caption=caption, label=label), number))
    rows.sort(key=lambda row: (row[0].key, row[0].caption or "", row[0].label or ""))
    return Index(
        root=root,
        format=name,
        files=tuple(files),
        examples=tuple(example for example, _ in rows),
        of_file=tuple(number for _, number in rows),
        faults=tuple(faults),
    )


def scanned(
    kind: Format, files: Sequence[Path], root: Path, fields: Mapping[str, str], told: Any
) -> list[list[Entry]]:
    """The entries of each file: those of the cache where the file is as it was.

    Examples whose checksum a look found to be another are faults.
    InputError where one cannot be read, or the cache takes no more.
    """
    name = sha256(repr((VERSION, root.resolve(), told)).encode()).hexdigest()[:16]
    cache = cache_directory("data") / "index" / f"{name}.parquet"
    known = load(cache)
    states = [state_of(file) for file in files]
    names = [file.relative_to(root).as_posix() for file in files]

    def entries(file: Path, name: str, state: State) -> list[Entry]:
        kept = known.get((name, *state))
        if kept and (kind.copy is None or kind.copy(file).is_file()):
            return kept
        try:
            return list(kind.scan(file, root, fields))
        except OSError as error:
            raise reading.unreadable(file, error) from error

    with ThreadPoolExecutor() as pool:
        found = list(pool.map(entries, files, names, states))
    whole = [
        (name, state, entries)
        for name, state, entries in zip(names, states, found, strict=True)
        if not any(isinstance(entry, Fault) and entry.damage for entry in entries)
    ]
    if any(entries is not known.get((name, *state)) for name, state, entries in whole):
        save(cache, whole)
    if kind.verify is None:
        return found
    return [checksums.without(*of_file) for of_file in zip(found, files, states, strict=True)]
