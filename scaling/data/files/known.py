"""What is known of a set of files before any image is decoded. Never imports jax."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, cast

import numpy as np
from jaxtyping import Bool, Int, Int32

from scaling.config.files import FilesData
from scaling.data import memory, split
from scaling.data.conditions import KINDS
from scaling.data.files import arrays, checks, folder, reading
from scaling.data.files.index import index
from scaling.data.files.selection import Selection, identity, selected
from scaling.data.files.vectors import vectors
from scaling.data.told import Conditions, Told


@dataclass(frozen=True, kw_only=True, eq=False)
class Known:
    """The examples of a section, which side each is on, and their conditions."""

    config: FilesData
    selection: Selection
    in_training: Bool[np.ndarray, " n"]

    @property
    def training_bytes(self) -> int:
        """Of the training images, decoded, and of their vectors."""
        config, vectors = self.config, self.selection.vectors
        pixels = int(self.in_training.sum()) * config.read_size**2 * config.channels
        return pixels + (vectors.values.nbytes if vectors else 0)

    @property
    def fits(self) -> bool:
        """Whether training images are held in memory."""
        return memory.fits(self.training_bytes)

    @cached_property
    def ids(self) -> Int32[np.ndarray, " n"]:
        """A number for each example, from its image and caption."""
        return split.ids(map(identity, self.selection.examples))

    @cached_property
    def captions(self) -> tuple[str, ...]:
        """As written; of classes their names; else empty."""
        part = "label" if self.selection.kind == "labels" else "caption"
        return tuple(getattr(example, part) or "" for example in self.selection.examples)

    @cached_property
    def conditions(self) -> Conditions:
        """What networks are told."""
        return KINDS[self.selection.kind](self._told, self.in_training)

    @property
    def _told(self) -> Told:
        kind, count = self.selection.kind, len(self.selection.rows)
        if kind in ("embeddings", "tokens"):
            assert self.selection.vectors is not None
            values = self.selection.vectors.of(map(identity, self.selection.examples))
            written = self.captions if any(self.captions) else None
            given: dict[str, Any] = {kind: values}
            return Told(rows=count, captions=written, **given)
        if kind == "labels":
            numbers, classes = numbered(self.captions)
            return Told(rows=count, labels=numbers, classes=classes)
        told = self.captions if kind == "captions" else None
        words, length = self.config.words, self.config.caption_length
        return Told(rows=count, captions=told, words=words, length=length)


@lru_cache(maxsize=8)
def _known(config: FilesData) -> Known:
    """A larger share holds out the same images and more."""
    fields = tuple(sorted(config.fields.model_dump().items()))
    found = selected(config.path, config.format, fields, config.conditions, config.conditions_file)
    held_out = np.array([split.is_held_out(e.key, config.held_out) for e in found.examples], bool)
    return Known(config=config, selection=found, in_training=~held_out)


known = cast("Callable[[FilesData], Known]", _known)
"""Of a section that was validated, once in a process: checkers do not see that sections hash."""


def forget() -> None:
    """Look at the files again, and at what a check found."""
    opened = folder.metadata, arrays.opened, reading.opened
    for of in (index, vectors, selected, _known, *opened):
        of.cache_clear()


def numbered(labels: tuple[str, ...]) -> tuple[Int[np.ndarray, " n"], tuple[str, ...]]:
    """Classes as numbers, and their names: numbers stay as they are, names count by alphabet."""
    if all(label.isdecimal() for label in labels):
        return np.array([int(label) for label in labels], np.int64), ()
    names = tuple(sorted(Counter(labels)))
    place = {name: number for number, name in enumerate(names)}
    return np.array([place[label] for label in labels], np.int64), names


def unchecked(config: FilesData) -> str | None:
    """What to do before images that cannot be decoded can be skipped, if it was not done here."""
    if config.on_error != "skip" or checks.undecodable(known(config).selection.index) is not None:
        return None
    return (
        f"data.on_error skip, path '{config.path}': nobody has looked yet which images cannot be "
        f"decoded, and one that training meets ends it; run `scaling data check {config.path}` "
        "first, on every machine that trains and does not share the cache"
    )


def floor_complaint(config: FilesData) -> str | None:
    """Why a set of files has no floor that could be measured, if it has none."""
    kept = known(config)
    if config.augment.shift:
        return (
            "is for a finite set of images, and data.augment.shift cuts them anew at every step: "
            "set one to none or the other to 0"
        )
    return memory.too_many(kept.training_bytes)
