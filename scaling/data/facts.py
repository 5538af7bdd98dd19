"""What the other rooms must know of the data before any of it is loaded. Never imports jax."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np

from scaling.config.data import DataConfig
from scaling.data import conditions, digits, emoji, latents, memory
from scaling.data.captions import SPECIAL
from scaling.data.catalogue import Catalogue
from scaling.data.files import known as files

FINITE: Mapping[str, Callable[[Any, Path | None], Catalogue]] = {
    "emoji": emoji.catalogue,
    "digits": digits.catalogue,
}


NUMBER_BYTES = 4  # of a token
FLAGS = 2  # whether an image may be mirrored, and turned


def row_bytes(values: np.ndarray) -> int:
    """Of one row."""
    return values[:1].nbytes


def remembered[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """`lru_cache` with the function's own type (checkers do not see that frozen sections hash)."""
    return cast("Callable[P, R]", lru_cache(maxsize=16)(function))


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Shapes and counts. `examples` and `held_out` are None for an endless source.

    `example_bytes` are those of a training example as it lies on a device: of all that are trained
    on if it is `held`, else of those of a call.
    """

    size: int
    channels: int
    vocabulary: int  # token numbers, padding and unknown among them
    caption_length: int
    examples: int | None
    held_out: int | None
    example_bytes: int
    held: bool = True
    embedding_width: int = 0  # of conditions that are vectors

    @property
    def training_bytes(self) -> int:
        """Of the training set."""
        return self.example_bytes * (self.examples or 0)


@remembered
def catalogue(config: DataConfig, path: Path | None = None) -> Catalogue:
    """Captions and split of a finite source (of its asset, or of the file `path` in its place)."""
    return FINITE[config.source](config, path)


def captions(config: DataConfig) -> dict[int, str]:
    """Of a source of pictures, as written, by the number of each example."""
    known = files.known(config) if config.source == "files" else catalogue(config)
    return dict(zip(known.ids.tolist(), known.captions, strict=True))


@remembered
def facts(config: DataConfig, path: Path | None = None) -> Facts:
    """The facts of a source; some milliseconds, since no image is decompressed.

    Raises InputError when the asset, or `path` in its place, cannot be read.
    """
    if config.source == "mixture":
        return Facts(
            size=config.size,
            channels=config.channels,
            vocabulary=len(SPECIAL),
            caption_length=1,
            examples=None,
            held_out=None,
            example_bytes=0,
        )
    if config.source == "latents":
        in_training = latents.in_training(config.arrays, config.held_out)
        given = conditions.of(config.arrays, config.conditions, config.held_out)
        count = int(in_training.sum())
        each = config.arrays.row_bytes + row_bytes(given.tokens)
        return Facts(
            size=config.size,
            channels=config.arrays.mean.shape[3],
            vocabulary=given.vocabulary,
            caption_length=given.length,
            examples=count,
            held_out=int((~in_training).sum()),
            example_bytes=each,
            held=memory.fits(each * count),
            embedding_width=given.embedding_width,
        )
    if config.source == "files":
        kept = files.known(config)
        return Facts(
            size=config.size,
            channels=config.channels,
            vocabulary=kept.conditions.vocabulary,
            caption_length=kept.conditions.length,
            examples=int(kept.in_training.sum()),
            held_out=int((~kept.in_training).sum()),
            example_bytes=config.read_size**2 * config.channels + row_bytes(kept.conditions.tokens),
            held=kept.fits,
            embedding_width=kept.conditions.embedding_width,
        )
    known = catalogue(config, path)
    return Facts(
        size=known.size,
        channels=known.channels,
        vocabulary=len(known.vocabulary),
        caption_length=known.vocabulary.caption_length,
        examples=int(known.in_training.sum()),
        held_out=int(known.in_held_out.sum()),
        example_bytes=known.size**2 * known.channels
        + NUMBER_BYTES * known.vocabulary.caption_length
        + FLAGS,
    )
