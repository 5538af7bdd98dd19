"""What the host reads for each step while the device computes, example by example, through grain.

The examples of a step are a function of (seed, step), so a feed may begin at any step, and a
process reads only the places of the batch that its own devices hold.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import NamedSharding
from jaxtyping import Int

from scaling.data.order import batch_indices

PIECE = 16  # examples that one thread reads at a time: grain costs some 0.1 ms a piece

Fetch = Callable[[Int[np.ndarray, " m"]], Any]
"""Positions in the training split -> a tree of arrays [m, ...]."""


class Places(NamedTuple):
    """Which runs and which places of the batch a process holds."""

    runs: Int[np.ndarray, " r"]
    places: Int[np.ndarray, " p"]


def held_here(sharding: NamedSharding, runs: int, batch: int) -> Places:
    """By this process's devices, of arrays [runs, steps, batch, ...] that are split so."""
    cuts = sharding.addressable_devices_indices_map((runs, 1, batch)).values()
    rows = [np.arange(runs)[cut[0]] for cut in cuts if cut is not None]
    columns = [np.arange(batch)[cut[2]] for cut in cuts if cut is not None]
    return Places(np.unique(np.concatenate(rows)), np.unique(np.concatenate(columns)))


class Feed:
    """The examples of steps from `first` up to `end`, in order: `next(count)`.

    Runs of one seed train on the same examples, which are read once for all of them.
    """

    def __init__(
        self,
        fetch: Fetch,
        *,
        seeds: Int[np.ndarray, " runs"],
        batch: int,
        examples: int,
        first: int,
        end: int,
        here: Places,
        threads: int,
        ahead: int,
    ):
        from grain import MapDataset, ReadOptions

        self._fetch, self._batch, self._examples = fetch, batch, examples
        self._here, self._seeds = here, [int(seed) for seed in seeds[here.runs]]
        self._pieces = -(-len(here.places) // PIECE)
        stream = MapDataset.range(first * self._pieces, end * self._pieces).map(self.piece)
        options = ReadOptions(num_threads=threads, prefetch_buffer_size=ahead)
        self._stream: Iterator[Any] = iter(stream.to_iter_dataset(options))

    def piece(self, number: int) -> Any:
        """A tree of arrays [runs, places, ...]: some places of one step, of every run here."""
        step, part = divmod(int(number), self._pieces)
        places = self._here.places[part * PIECE : (part + 1) * PIECE]
        drawn = {
            seed: batch_indices(seed, step, 1, self._batch, self._examples)[0, places]
            for seed in set(self._seeds)
        }
        wanted = np.stack([drawn[seed] for seed in self._seeds])
        once, again = np.unique(wanted, return_inverse=True)
        return jax.tree.map(lambda a: a[again.reshape(wanted.shape)], self._fetch(once))

    def next(
        self, count: int, steps: int | None = None, look: Callable[[], None] = lambda: None
    ) -> Any:
        """A tree of arrays [runs here, steps, places here, ...] of the next `count` steps.

        Zero beyond `count` where `steps` is larger. `look` is called after each piece.
        """
        drawn = []
        for _ in range(count * self._pieces):
            drawn.append(next(self._stream))
            look()

        def together(*leaves: np.ndarray) -> np.ndarray:
            shape = (len(leaves[0]), steps or count, len(self._here.places), *leaves[0].shape[2:])
            made = np.zeros(shape, leaves[0].dtype)
            for number, leaf in enumerate(leaves):
                step, part = divmod(number, self._pieces)
                made[:, step, part * PIECE : part * PIECE + leaf.shape[1]] = leaf
            return made

        return jax.tree.map(together, *drawn)

    def close(self) -> None:
        """End the threads that read ahead."""
        close = getattr(self._stream, "close", None)
        if close is not None:
            close()


def placed(tree: Any, here: Places, sharding: NamedSharding, runs: int, batch: int) -> Any:
    """Arrays of all processes [runs, steps, batch, ...] from those of the places held here."""

    def whole(local: np.ndarray) -> jax.Array:
        shape = (runs, local.shape[1], batch, *local.shape[3:])

        def shard(cut: Any) -> np.ndarray:
            rows = np.searchsorted(here.runs, np.arange(runs)[cut[0]])
            columns = np.searchsorted(here.places, np.arange(batch)[cut[2]])
            # The places of one device are neighbours.
            return local[rows[0] : rows[-1] + 1, :, columns[0] : columns[-1] + 1]

        return jax.make_array_from_callback(shape, sharding, shard)

    return jax.tree.map(whole, tree)
