"""An .npz of pictures: images [n, h, w, c] uint8, and captions [n] or labels [n].

Where it has `keys` [n], text, they are the images' identities: those of the files that its pixels
were decoded from, say. Else they follow from the pixels.
"""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np

from scaling.data import npz
from scaling.data.files.example import (
    Example,
    Fault,
    Fields,
    as_caption,
    as_label,
    key_of,
    pick,
)

KEYS = "keys"


def scan(path: Path, root: Path, fields: Fields) -> Iterator[Example | Fault]:
    """One example a row."""
    try:
        arrays = opened(path)
    except npz.Unusable as error:
        yield Fault(path.name, str(error), damage=True)
        return
    image = pick("image", fields, arrays)
    if image is None or arrays[image].dtype != np.uint8 or arrays[image].ndim not in (3, 4):
        names = ", ".join(f"{name} {a.dtype} {list(a.shape)}" for name, a in arrays.items())
        yield Fault(path.name, f"images must be uint8 [n, h, w, c]; the file has {names}")
        return
    told = {name: pick(name, fields, arrays) for name in ("caption", "label")}
    for name in filter(None, told.values()):
        if arrays[name].shape != arrays[image].shape[:1]:
            wrong = f"{name} {list(arrays[name].shape)}"
            yield Fault(path.name, f"{wrong} is not [{len(arrays[image])}], one for each image")
            return
    keys = arrays.get(KEYS)
    if keys is not None and (keys.shape != arrays[image].shape[:1] or keys.dtype.kind != "U"):
        wrong = f"{KEYS} {keys.dtype} {list(keys.shape)}"
        yield Fault(path.name, f"{wrong} is not text [{len(arrays[image])}], one for each image")
        return
    for row, pixels in enumerate(arrays[image]):
        caption, label = (arrays[name][row].item() if name else None for name in told.values())
        yield Example(
            f"{path.name}: row {row}",
            row,
            list(arrays).index(image),
            key_of(np.ascontiguousarray(pixels)) if keys is None else keys[row].item(),
            as_caption(caption),
            as_label(label),
        )


def read(path: Path, offset: int, length: int) -> np.ndarray:
    """The pixels of a row; `length` is the number of the array."""
    return list(opened(path).values())[length][offset]


@lru_cache(maxsize=16)
def opened(path: Path) -> dict[str, np.ndarray]:
    """All arrays, memory-mapped where they are not compressed."""
    return npz.read(path)[0]
