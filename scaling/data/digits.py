"""The 1,797 handwritten digits of UCI, 8x8, captioned by their words and split by image."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from scaling.config.data import DigitsData
from scaling.data import assets, split
from scaling.data.captions import build_vocabulary
from scaling.data.catalogue import Catalogue

FILE = "digits.npz"
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
INKS = 16  # the file's values run from 0 to 16


def to_bytes(inks: UInt8[np.ndarray, "n h w"]) -> UInt8[np.ndarray, "n h w 1"]:
    """0..16 to 0..255, rounded."""
    return ((inks[..., None].astype(np.uint16) * 255 + INKS // 2) // INKS).astype(np.uint8)


def catalogue(config: DigitsData, path: Path | None = None) -> Catalogue:
    """Captions and split; an image's name is its pixels, so that copies stay together."""
    inks, labels = assets.read(FILE, ["images", "labels"], path)
    captions = tuple(WORDS[label] for label in labels)
    names = [f"{word} {image.tobytes().hex()}" for word, image in zip(captions, inks, strict=True)]
    held_out = np.array([split.is_held_out(name, config.held_out) for name in names])
    training = np.flatnonzero(~held_out)
    never = np.zeros(len(captions), bool)
    return Catalogue(
        size=inks.shape[1],
        channels=1,
        captions=captions,
        keys=tuple(names),
        in_training=~held_out,
        in_held_out=held_out,
        may_flip=never,
        may_turn=never,
        vocabulary=build_vocabulary([captions[i] for i in training], always=(), length=1),
        is_held_out=lambda text: text not in WORDS,
        show=lambda count, seed: [WORDS[(i + seed) % len(WORDS)] for i in range(count)],
        pixels=lambda: to_bytes(inks),
    )
