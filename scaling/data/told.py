"""What belongs to the examples of a set, and what networks are told of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Integer, Num


@dataclass(frozen=True, kw_only=True, eq=False)
class Conditions:
    """Of each row, numbers [n, t] or vectors [n, t, e]; and the captions that stand for them.

    `encode` raises InputError for a caption that stands for none.
    """

    tokens: Num[np.ndarray, "n t *e"]
    vocabulary: int
    encode: Callable[[Sequence[str]], Num[np.ndarray, "n t *e"]]
    decode: Callable[[np.ndarray], list[str]]
    show: Callable[[int, int], list[str]]  # (count, seed) -> captions to sample
    is_held_out: Callable[[str], bool]

    @property
    def length(self) -> int:
        """Numbers or vectors of one row."""
        return self.tokens.shape[1]

    @property
    def embedding_width(self) -> int:
        """Of a vector; 0 for numbers."""
        return self.tokens.shape[2] if self.tokens.ndim == 3 else 0


@dataclass(frozen=True, kw_only=True, eq=False)
class Told:
    """What belongs to the rows of a set that is no file of latents."""

    rows: int
    labels: Integer[np.ndarray, " n"] | None = None
    classes: Sequence[str] = ()  # names of the labels, where they have any
    captions: Sequence[str] | None = None
    words: int | None = None  # that are known at most
    length: int | None = None  # of captions, beyond which they are cut
    embeddings: Float[np.ndarray, "n t e"] | None = None
    tokens: Integer[np.ndarray, "n t"] | None = None

    def __len__(self) -> int:
        return self.rows
