"""What is known of a finite data set before its pixels are read."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int, Int32, UInt8

from scaling.data import split
from scaling.data.captions import Vocabulary


@dataclass(frozen=True, kw_only=True, eq=False)
class Catalogue:
    """Captions and their split, one entry an image; an image may be in neither split."""

    size: int
    channels: int
    captions: tuple[str, ...]
    keys: tuple[str, ...]  # what an example's identity is made of
    in_training: Bool[np.ndarray, " n"]
    in_held_out: Bool[np.ndarray, " n"]
    may_flip: Bool[np.ndarray, " n"]
    may_turn: Bool[np.ndarray, " n"]
    vocabulary: Vocabulary
    is_held_out: Callable[[str], bool]
    show: Callable[[int, int], list[str]]
    pixels: Callable[[], UInt8[np.ndarray, "n h w c"]]

    @property
    def ids(self) -> Int32[np.ndarray, " n"]:
        """A number for each image, from its own key alone."""
        return split.ids(self.keys)

    @property
    def training(self) -> Int[np.ndarray, " m"]:
        """Positions of the training images."""
        return np.flatnonzero(self.in_training)

    @property
    def held_out(self) -> Int[np.ndarray, " m"]:
        """Positions of the held-out images."""
        return np.flatnonzero(self.in_held_out)
