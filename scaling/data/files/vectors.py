"""Files of vectors or token numbers for the examples of a set, found by the examples' identity."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Num

from scaling.data import npz
from scaling.data.latents import first_wrong
from scaling.errors import InputError

KINDS = ("embeddings", "tokens")


@dataclass(frozen=True, kw_only=True, eq=False)
class Vectors:
    """Embeddings [n, t, e] or tokens [n, t], memory-mapped, and whose they are."""

    kind: str
    keys: tuple[str, ...]
    values: Num[np.ndarray, "n t *e"]
    digest: str

    @cached_property
    def row(self) -> dict[str, int]:
        """Of each identity."""
        return {key: row for row, key in enumerate(self.keys)}

    def of(self, identities: Iterable[str]) -> Num[np.ndarray, "m t *e"]:
        """Those of examples, in their order."""
        rows = np.array([self.row[identity] for identity in identities], np.int64)
        same = np.array_equal(rows, np.arange(len(self.values)))
        return self.values if same else self.values[rows]


@lru_cache(maxsize=8)
def vectors(path: str) -> Vectors:
    """Once in a process. InputError for a file of another form."""
    arrays, digest = npz.read(Path(path))
    kind = next((kind for kind in KINDS if kind in arrays), None)
    if kind is None or "keys" not in arrays:
        raise InputError(
            f"file '{path}' has {', '.join(arrays)}; a conditions_file has keys [n], and "
            "embeddings [n, t, e] or tokens [n, t]"
        )
    values, keys = arrays[kind], arrays["keys"]
    right = {"embeddings": ("f", 3), "tokens": ("iu", 2)}[kind]
    if values.dtype.kind not in right[0] or values.ndim != right[1] or len(keys) != len(values):
        raise InputError(
            f"file '{path}': {kind} are {values.dtype} {list(values.shape)} for {len(keys)} keys"
        )
    wrong = first_wrong(values, signed=True) if kind == "embeddings" else None
    if wrong is not None:
        raise InputError(f"file '{path}': embeddings[{wrong}] has NaN or infinity")
    return Vectors(kind=kind, keys=tuple(keys.tolist()), values=values, digest=digest)
