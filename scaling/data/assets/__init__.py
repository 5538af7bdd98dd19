"""Reading the images and weights shipped here; the licences are in NOTICE.md beside them."""

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from scaling.errors import InputError

REMEDY = (
    "Put it back with `git checkout -- scaling/data/assets` in a clone, "
    "or by installing the package again."
)
UNREADABLE = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error)


def read(name: str, keys: Sequence[str], path: Path | None = None) -> list[np.ndarray]:
    """The arrays `keys` of the asset `name` (or of the file `path`); no others are decompressed.

    Raises InputError, naming the file, when it is missing, truncated or damaged.
    """
    file = path or Path(__file__).with_name(name)
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            return [arrays[key] for key in keys]
    except FileNotFoundError as error:
        raise InputError(f"{file}: no such data file. {REMEDY}") from error
    except UNREADABLE as error:
        raise InputError(
            f"{file}: this data file is truncated or damaged ({error}). {REMEDY}"
        ) from error
