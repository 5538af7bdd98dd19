"""What a training program is given for each step: numbers of examples, or the examples themselves.

Of a source held on the devices the host sends indices; of a larger one it reads the examples, those
of the next call while the devices compute.
"""

import os
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.sharding import NamedSharding
from jaxtyping import Int

from scaling.data import memory
from scaling.data.feed import PIECE, Feed, Fetch, held_here, placed
from scaling.data.order import batch_indices


class Input:
    """`input(first, count)` is the steps' part of a call, [runs, steps_per_call, batch, ...]."""

    def __init__(
        self,
        sharding: NamedSharding,
        *,
        examples: int | None,
        fetch: Fetch | None,
        seeds: Int[np.ndarray, " runs"],
        batch: int,
        steps: int,
        steps_per_call: int,
    ):
        self._sharding, self._examples, self._fetch = sharding, examples, fetch
        self._seeds, self._batch, self._steps = seeds, batch, steps
        self._feed: Feed | None = None
        self.steps_per_call = steps_per_call
        if fetch is not None:
            one = fetch(np.zeros(1, np.int64))
            self._here = held_here(sharding, len(seeds), batch)
            size = sum(leaf.nbytes for leaf in jax.tree.leaves(one))
            size *= len(self._here.runs) * len(self._here.places)
            self.steps_per_call = max(1, min(steps_per_call, memory.CALL_BYTES // size))
            self._example = one

    def shapes(self) -> Any:
        """Of what a call is given."""
        lead = (len(self._seeds), self.steps_per_call, self._batch)

        def shape(of_one: tuple[int, ...], dtype: Any) -> jax.ShapeDtypeStruct:
            return jax.ShapeDtypeStruct((*lead, *of_one), dtype, sharding=self._sharding)

        if self._fetch is None:
            return shape((), np.int32)
        return jax.tree.map(lambda leaf: shape(leaf.shape[1:], leaf.dtype), self._example)

    def __call__(self, first: int, count: int, look: Callable[[], None] = lambda: None) -> Any:
        """Of `count` steps from `first` on, zero beyond; steps are asked for in their order.

        `look` is called now and then while this waits for what is read.
        """
        if self._fetch is None:
            return jax.device_put(self._indices(first, count), self._sharding)
        feed = self._feed or self._opened(first)
        examples = feed.next(count, self.steps_per_call, look)
        return placed(examples, self._here, self._sharding, len(self._seeds), self._batch)

    def close(self) -> None:
        """Stop reading ahead."""
        if self._feed is not None:
            self._feed.close()

    def _indices(self, first: int, count: int) -> Int[np.ndarray, "runs k batch"]:
        indices = np.zeros((len(self._seeds), self.steps_per_call, self._batch), np.int32)
        if self._examples is not None:
            for run, seed in enumerate(self._seeds):
                drawn = batch_indices(int(seed), first, count, self._batch, self._examples)
                indices[run, :count] = drawn
        return indices

    def _opened(self, first: int) -> Feed:
        assert self._fetch is not None and self._examples is not None
        threads = (os.cpu_count() or 1) + 4  # a few wait for the disk
        pieces = -(-len(self._here.places) // PIECE)
        self._feed = Feed(
            self._fetch,
            seeds=self._seeds,
            batch=self._batch,
            examples=self._examples,
            first=first,
            end=self._steps,
            here=self._here,
            threads=threads,
            ahead=max(threads, self.steps_per_call * pieces),
        )
        return self._feed
