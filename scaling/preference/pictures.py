"""The pictures that raters compare: those of runs, and the real ones of the same captions."""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from scaling.errors import InputError

REAL, DEGRADED = "real", "degraded"
"""Sources that are no run: ground truth, and a real picture made obviously bad."""

ARRAYS = ("images", "real", "captions", "ids", "protocol")
BANDS = 4
"""Parts of a degraded picture's height and width that change places."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Pictures:
    """One picture of each run and one real one for every caption.

    `protocols` says how each run's were sampled. In place of runs may stand settings of one run.
    """

    captions: tuple[str, ...]
    ids: tuple[str, ...]
    real: UInt8[np.ndarray, "n h w 3"]
    generated: dict[str, UInt8[np.ndarray, "n h w 3"]]
    protocols: dict[str, Any]

    @property
    def runs(self) -> tuple[str, ...]:
        """Ids of the runs."""
        return tuple(self.generated)

    @cached_property
    def place(self) -> dict[str, int]:
        """Where each id stands."""
        return {name: i for i, name in enumerate(self.ids)}

    def find(self, source: str, prompt_id: str, salt: str) -> UInt8[np.ndarray, "h w 3"]:
        """The picture of a source for a prompt; `salt` says how a degraded one is spoilt."""
        i = self.place[prompt_id]
        if source == DEGRADED:
            return degraded(self.real[i], salt)
        return (self.real if source == REAL else self.generated[source])[i]


def load(paths: Mapping[str, Path]) -> Pictures:
    """Read the archives of runs, by run id. InputError where one does not fit the first."""
    if not paths:
        raise InputError("no archive of pictures to compare")
    read = {run: _read(path) for run, path in paths.items()}
    (run, first), *others = read.items()
    for other, arrays in others:
        for name in ("captions", "ids", "real"):
            if not np.array_equal(first[name], arrays[name]):
                raise InputError(
                    f"{paths[other]}: its {name} are not those of {paths[run]}; only runs with the "
                    "same captions and real pictures can be compared"
                )
    return pictures(
        paths[run],
        first,
        generated={run: arrays["images"] for run, arrays in read.items()},
        protocols={run: json.loads(str(arrays["protocol"])) for run, arrays in read.items()},
    )


def pictures(
    path: Path,
    arrays: Mapping[str, np.ndarray],
    generated: dict[str, UInt8[np.ndarray, "n h w 3"]],
    protocols: dict[str, Any],
) -> Pictures:
    """Those `generated`, beside the captions, ids and real ones among the arrays of an archive."""
    ids = tuple(map(str, arrays["ids"].tolist()))
    if len(set(ids)) < len(ids):
        raise InputError(f"{path}: an id stands for two captions")
    captions = tuple(map(str, arrays["captions"].tolist()))
    return Pictures(
        captions=captions, ids=ids, real=arrays["real"], generated=generated, protocols=protocols
    )


def _read(path: Path) -> dict[str, np.ndarray]:
    arrays = arrays_of(path, ARRAYS, "protocol")
    require_pictures(path, "images", arrays["images"], arrays)
    return arrays


def arrays_of(path: Path, names: Sequence[str], protocols: str) -> dict[str, np.ndarray]:
    """The arrays of an archive; those of the name `protocols` are JSON. InputError without."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in names}
        for text in arrays[protocols].ravel().tolist():
            json.loads(text)
    except (OSError, KeyError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: not an archive of pictures to compare: {error}") from None
    return arrays


def require_pictures(
    path: Path, name: str, images: np.ndarray, arrays: Mapping[str, np.ndarray]
) -> None:
    """InputError unless `images`, and the real ones, are pictures for all captions and ids."""
    shape, count = images.shape, len(arrays["ids"])
    for told, array in ((name, images), ("real", arrays["real"])):
        if array.dtype != np.uint8 or array.shape != shape or len(shape) != 4 or shape[3] != 3:
            raise InputError(
                f"{path}: {told} must be uint8 [n, h, w, 3] like the others, not {array.dtype} "
                f"{list(array.shape)}"
            )
    if not shape[0] == len(arrays["captions"]) == count:
        raise InputError(f"{path}: images, captions and ids must be equally many")


def degraded(image: UInt8[np.ndarray, "h w 3"], salt: str) -> UInt8[np.ndarray, "h w 3"]:
    """Bands of rows and columns change places, and half of every pixel is noise."""
    seed = int.from_bytes(blake2b(salt.encode(), digest_size=8).digest())
    rng = np.random.default_rng(seed)
    rows, columns = (_banded(length, rng) for length in image.shape[:2])
    noise = rng.integers(0, 256, image.shape)
    return ((image[rows][:, columns].astype(int) + noise) // 2).astype(np.uint8)


def _banded(length: int, rng: np.random.Generator) -> np.ndarray:
    bands = np.array_split(np.arange(length), BANDS)
    return np.concatenate([bands[i] for i in rng.permutation(BANDS)])


def png(image: UInt8[np.ndarray, "h w 3"]) -> bytes:
    """The pixels, and nothing that tells where they come from."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()
