"""The table of formats, and which one a path holds."""

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from scaling.data.files import arrayrecord, arrays, folder, reading, tables, tfrecord, webdataset
from scaling.data.files.example import IMAGE_SUFFIXES, Format
from scaling.errors import InputError

OF_MANY = r"(-\d+-of-\d+)?$"
IMAGES = "|".join(suffix[1:] for suffix in sorted(IMAGE_SUFFIXES))
FORMATS: Mapping[str, Format] = {
    "folder": Format(rf"(?i)\.({IMAGES})$", folder.scan, reading.whole),
    "webdataset": Format(r"\.tar$", webdataset.scan, reading.part),
    "parquet": Format(r"\.parquet$", tables.scan, tables.read, tables.packed),
    "arrow": Format(r"^(?!cache-).*\.arrow$", tables.scan, tables.read, tables.packed),
    "tfrecord": Format(
        rf"\.tfrecords?{OF_MANY}", tfrecord.scan, reading.part, verify=tfrecord.verify
    ),
    "arrayrecord": Format(rf"\.array_?record{OF_MANY}", arrayrecord.scan, arrayrecord.read),
    "npz": Format(r"\.npz$", arrays.scan, arrays.read),
}


SPLIT = re.compile(r"(?:^|-)(train|test|val|validation)(?=[-.]|$)")
"""What the parts of a set are called, in the names of folders and shards."""


def files_of(path: Path) -> list[Path]:
    """All files below a directory in the order of their names but hidden ones, or the one file.

    Or those that a pattern matches, such as data/train-*.parquet.
    """
    if path.is_file():
        return [path]
    if not path.is_dir() and "*" in path.name:
        return sorted(found for found in path.parent.glob(path.name) if found.is_file())
    if not path.is_dir():
        raise InputError(f"path '{path}' does not exist (in {Path.cwd()})")
    found = []
    for inside, folders, names in os.walk(path, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(inside) / name for name in names if not name.startswith(".")]
    return sorted(found)


def found(path: Path, wanted: str) -> tuple[str, list[Path]]:
    """The format and the files that hold examples. InputError where there are none or several."""
    files = files_of(path)
    kinds = Counter(
        name for p in files for name, kind in FORMATS.items() if re.search(kind.pattern, p.name)
    )
    if wanted != "auto":
        kinds = Counter({wanted: kinds[wanted]})
    if not kinds.total():
        packed = [p.name for p in files if p.name.endswith((".tar.gz", ".tgz"))][:1]
        hint = f"; unpack {packed[0]} to .tar: only that is read at random" if packed else ""
        what = "images" if wanted == "auto" else wanted
        raise InputError(f"path '{path}': no files of {what} among its {len(files)} files{hint}")
    if len(kinds) > 1:
        several = " and ".join(f"{count} of {name}" for name, count in kinds.most_common())
        raise InputError(f"path '{path}' has files of several formats, {several}: say data.format")
    (name,) = kinds
    files = [p for p in files if re.search(FORMATS[name].pattern, p.name)]
    if path.is_dir():
        refuse_several_parts(path, files, shards=name != "folder")
    return name, files


def refuse_several_parts(root: Path, files: Sequence[Path], *, shards: bool) -> None:
    """InputError where a training and a test set lie in one place: they are told apart by name."""
    parts: dict[str, str] = {}
    for file in files:
        top, *below = file.relative_to(root).parts
        folder = SPLIT.fullmatch(top) if below else None
        named = folder or (SPLIT.search(file.name) if shards else None)
        if named and named[1] not in parts:
            whole = root / top if folder else file.with_name(f"*{named[1]}*")
            parts[named[1]] = str(whole)
    if len(parts) > 1:
        told = " or ".join(f"'{where}'" for where in parts.values())
        raise InputError(
            f"path '{root}' holds the parts {', '.join(parts)} of a set, which would be trained on "
            f"as one: name one of them, {told}"
        )
