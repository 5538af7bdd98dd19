"""Held-out images with their captions, each beside one drawn for it; and who stands for real."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int32, UInt8

from scaling.config import RunConfig
from scaling.data.facts import captions
from scaling.data.source import EvaluationSet, Source
from scaling.measure.judges.judge import Judge, Side
from scaling.measure.samples import to_uint8

MOST = 128
"""Pairs of the control of held-out images: more than samples, for it is computed once."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Held:
    """Real images, three channels each, with captions as written and their numbers."""

    side: Side
    ids: Int32[np.ndarray, " n"]


def held(config: RunConfig, found: EvaluationSet) -> Held:
    """Of a set of a source of pictures."""
    known = captions(config.data)
    side = Side(
        images=colour(to_uint8(found.images)),
        captions=tuple(known[i] for i in found.ids.tolist()),
    )
    return Held(side=side, ids=found.ids)


def colour(images: UInt8[np.ndarray, "n h w c"]) -> UInt8[np.ndarray, "n h w 3"]:
    """One grey channel stands for all three."""
    return np.repeat(images, 3, axis=3) if images.shape[3] == 1 else images


def control_of(judge: Judge, config: RunConfig, source: Source) -> tuple[Held, Held]:
    """Real images in the generated ones' place, beside held-out ones: what no judge can tell.

    Training images, which are judged without captions; or held-out images against others, each
    with its own caption, for which judge nothing sets one side apart from the other.
    """
    given = config.measure.preference
    seed = given.drawing(config.measure.distances).seed
    if judge.control == "training":
        real = held(config, source.held_out(given.samples, seed))
        return held(config, source.train_sample(len(real.ids), seed)), real
    every = held(config, source.held_out(2 * MOST, seed))
    half = len(every.ids) // 2
    return part(every, slice(half, 2 * half)), part(every, slice(half))


def part(found: Held, where: slice) -> Held:
    """Some of them."""
    side = Side(images=found.side.images[where], captions=found.side.captions[where])
    return Held(side=side, ids=found.ids[where])


@dataclass
class Keeper:
    """Keeps the first `count` images of each run, as blocks of them go by."""

    count: int
    blocks: list[np.ndarray] = field(default_factory=list)
    finite: list[np.ndarray] = field(default_factory=list)

    def __call__(self, blocks: Iterable[Any]) -> Iterator[Any]:
        """The blocks as they are."""
        kept = 0
        for block in blocks:
            here = np.asarray(block)[:, : max(self.count - kept, 0)]
            kept += here.shape[1]
            self.keep(here)
            yield block

    def keep(self, block: Float[np.ndarray, "runs b h w c"]) -> None:
        """In eight bits; where a run's images are not finite is remembered."""
        finite = np.isfinite(block)
        self.finite.append(finite.all(axis=(1, 2, 3, 4)))
        self.blocks.append(to_uint8(np.where(finite, block, 0)))

    def images(self) -> tuple[UInt8[np.ndarray, "runs n h w c"], Bool[np.ndarray, " runs"]]:
        """Those of each run, and whether they are whole."""
        return np.concatenate(self.blocks, axis=1), np.all(self.finite, axis=0)
