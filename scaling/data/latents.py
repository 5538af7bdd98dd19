"""Files of a VAE's latents and of the conditions that belong to them: written, read and checked.

An .npz file, one row an example, with

    mean        [n, h, w, c]  float16 or float32: of the VAE's posterior, not yet scaled
    std         [n, h, w, c]  its standard deviation; without it, latents are the means
    labels      [n]           classes, integers from 0, and/or
    captions    [n]           text, and/or
    embeddings  [n, t, e]     vectors of a frozen text encoder, padded at the end with zeros
    held_out    [n]           bool: kept from training; without it, a share is drawn by row number
    provenance  []            text: what made the file; read by people alone

Rows are an example's name: appending rows moves no other to another side of the split. Copies of
one picture do not know of each other: keep them together with `held_out`.
"""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Integer

from scaling.data import npz, split
from scaling.errors import InputError
from scaling.files import replacing

CONDITIONS = ("labels", "captions", "embeddings")
KEYS = ("mean", "std", *CONDITIONS, "held_out", "provenance")
FLOATS = (np.dtype(np.float16), np.dtype(np.float32))
ROWS_AT_ONCE = 1024


@dataclass(frozen=True, kw_only=True, eq=False)
class Latents:
    """The arrays of a file, memory-mapped where they are not compressed."""

    mean: Float[np.ndarray, "n h w c"]
    std: Float[np.ndarray, "n h w c"] | None = None
    labels: Integer[np.ndarray, " n"] | None = None
    captions: np.ndarray | None = None
    embeddings: Float[np.ndarray, "n t e"] | None = None
    held_out: Bool[np.ndarray, " n"] | None = None
    provenance: np.ndarray | None = None
    digest: str = ""

    def __len__(self) -> int:
        return len(self.mean)

    @property
    def row_bytes(self) -> int:
        """Of one posterior, as stored."""
        return sum(values[:1].nbytes for values in (self.mean, self.std) if values is not None)

    @property
    def size(self) -> int:
        """Latent pixels a side."""
        return self.mean.shape[1]

    @property
    def conditions(self) -> tuple[str, ...]:
        """Which kinds of conditions there are."""
        return tuple(name for name in CONDITIONS if getattr(self, name) is not None)


@lru_cache(maxsize=16)
def in_training(file: Latents, share: float | None) -> Bool[np.ndarray, " n"]:
    """Which rows are trained on: by the file's mask, or else all but a share of held-out ones.

    A larger share holds out the same rows and more.
    """
    if file.held_out is not None:
        return ~file.held_out
    return np.array([not split.is_held_out(str(row), share or 0) for row in range(len(file))])


def save(
    path: Path | str,
    *,
    mean: np.ndarray,
    std: np.ndarray | None = None,
    labels: np.ndarray | Sequence[int] | None = None,
    captions: np.ndarray | Sequence[str] | None = None,
    embeddings: np.ndarray | None = None,
    held_out: np.ndarray | Sequence[bool] | None = None,
    provenance: str | None = None,
) -> None:
    """Write a file that `data: {source: latents}` reads; whole or not at all.

    With diffusers: `posterior = vae.encode(pixels).latent_dist`, then `posterior.mean` and
    `posterior.std`, both transposed to [n, h, w, c]. InputError for arrays that `read` would not
    take: those of the wrong shape or type, and those with NaN or infinity.
    """
    given: dict[str, Any] = {
        "mean": mean,
        "std": std,
        "labels": labels,
        "captions": captions,
        "embeddings": embeddings,
        "held_out": held_out,
        "provenance": provenance,
    }
    arrays: dict[str, Any] = {
        name: np.asarray(values) for name, values in given.items() if values is not None
    }
    path = Path(path)
    checked(path, arrays, "")
    with replacing(path) as draft, draft.open("wb") as file:
        np.savez(file, **arrays)


def read(path: Path | str) -> Latents:
    """The file's arrays, all checked; once in a process as long as the file stays the same.

    Checking reads everything: half a second a gigabyte. Raises InputError.
    """
    path = Path(path)
    try:
        about = path.stat()
    except OSError:
        return _read(path, 0, 0, 0)
    return _read(path, about.st_size, about.st_mtime_ns, about.st_ino)


@lru_cache(maxsize=16)
def _read(path: Path, size: int, changed: int, inode: int) -> Latents:
    return checked(path, *npz.read(path))


def checked(path: Path, arrays: dict[str, np.ndarray], digest: str) -> Latents:
    """InputError, naming file and array, for what cannot be trained on."""

    def demand(right: bool | np.bool_, complaint: str) -> None:
        if not right:
            raise InputError(f"file '{path}': {complaint}")

    for name in arrays:
        near = difflib.get_close_matches(name, KEYS, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else f"; there are: {', '.join(KEYS)}"
        demand(name in KEYS, f"{name} is no array of a latents file{hint}")
    demand("mean" in arrays, f"mean is missing; the file has {', '.join(arrays) or 'no arrays'}")
    mean, shapes = arrays["mean"], {name: values.shape for name, values in arrays.items()}
    n, h, w = (*mean.shape, 0, 0, 0)[:3]
    swapped = mean.ndim == 4 and h != w == mean.shape[3]
    demand(
        mean.ndim == 4 and h == w and n > 1 and mean.size > 0,
        f"mean must be [n, h, w, c] with h = w and two rows or more, not {list(mean.shape)}"
        + ("; mean.transpose(0, 2, 3, 1) is" if swapped else ""),
    )
    same = shapes.get("std", mean.shape) == mean.shape
    demand(same, f"std must be {list(mean.shape)}, as mean, not {list(shapes.get('std', ()))}")
    for name in ("mean", "std", "embeddings"):
        values = arrays.get(name)
        if values is not None:
            right = values.dtype in FLOATS
            demand(right, f"{name} must be float16 or float32, not {values.dtype}")
    types = {
        "labels": ("iu", 1, "integers [n]"),
        "captions": ("U", 1, "text [n]"),
        "embeddings": ("f", 3, "vectors [n, t, e]"),
        "held_out": ("b", 1, "bool [n]"),
    }
    for name, (kinds, ndim, words) in types.items():
        values = arrays.get(name)
        if values is not None:
            right = values.dtype.kind in kinds and values.ndim == ndim and len(values) == n
            is_given = f"{values.dtype} {list(values.shape)}"
            demand(right, f"{name} must be {words} with n = {n}, as mean, not {is_given}")
    labels, held_out = arrays.get("labels"), arrays.get("held_out")
    demand(labels is None or labels.min() >= 0, "labels must count classes from 0, without -1")
    if held_out is not None:
        demand(0 < held_out.sum() < n, "held_out must hold out some rows and keep some to train on")
    for name in ("mean", "std", "embeddings"):
        if name in arrays:
            row = first_wrong(arrays[name], signed=name != "std")
            kinds = "NaN or infinity" if name != "std" else "NaN, infinity or a negative number"
            demand(row is None, f"{name}[{row}] has {kinds}; mend or leave out that row")
    return Latents(**arrays, digest=digest)


def first_wrong(values: Float[np.ndarray, "n *d"], *, signed: bool) -> int | None:
    """The first row with NaN or infinity or, where unsigned, a negative number.

    On the bits: above those of the largest finite number lie infinity, NaN and, with the sign bit,
    all negative numbers (several times faster than `np.isfinite` for float16).
    """
    unsigned = np.dtype(f"u{values.dtype.itemsize}")
    infinity = np.array(np.inf, values.dtype).view(unsigned)
    mask = np.array((1 << (8 * unsigned.itemsize - 1)) - 1 if signed else -1).astype(unsigned)
    for at in range(0, len(values), ROWS_AT_ONCE):
        bits = np.ascontiguousarray(values[at : at + ROWS_AT_ONCE]).view(unsigned) & mask
        if bits.max(initial=0) >= infinity:
            wrong = (bits >= infinity) & (values[at : at + ROWS_AT_ONCE] != 0)  # -0 is not wrong
            if wrong.any():
                return at + int(np.argmax(wrong.reshape(len(wrong), -1).any(axis=1)))
    return None
