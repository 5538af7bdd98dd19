"""A set of files as a source: held in memory where it is small, else read while it is used."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.metadata import version
from itertools import batched
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Num, UInt8

from scaling.config.files import CropAugment, FilesData
from scaling.data.augment import to_float
from scaling.data.facts import facts
from scaling.data.files import decode
from scaling.data.files.index import Index
from scaling.data.files.known import known
from scaling.data.files.pixels import pixels
from scaling.data.source import Batch, EvaluationSet, Source, content_hash
from scaling.data.split import chosen
from scaling.files import cache_directory, keeping

AT_ONCE = 64  # images that one thread decodes before it is given more


class Pictures(NamedTuple):
    """Training examples as they are read: in memory all of them, streamed those of a batch."""

    images: UInt8[Any, "n h w c"]
    tokens: Num[Any, "n t *e"]


def in_memory(index: Index, config: FilesData, rows: Iterable[int], name: str) -> Any:
    """Images [n, h, w, c] decoded once, and kept in the cache for the next process.

    By the version of the library, whose next one may decode to other pixels.
    """
    path = cache_directory("data") / "decoded" / f"{name}-{version('pillow')}.npy"
    if path.is_file():
        return np.load(path, mmap_mode="r")
    one = partial(pixels, index, config)
    with ThreadPoolExecutor() as pool:
        blocks = pool.map(lambda part: np.stack([one(row) for row in part]), batched(rows, AT_ONCE))
        images = np.concatenate(list(blocks))
    with keeping(path) as draft, draft.open("wb") as file:
        np.save(file, images)
    return images


def changed(examples: Pictures, key: Array, config: CropAugment) -> Float[Array, "b h w c"]:
    """Windows of the images at random places, mirrored at random, in [-1, 1]."""
    images, margin = examples.images, config.shift
    flip, down, right = jax.random.uniform(key, (3, len(images)))
    if margin:
        height, width = (side - 2 * margin for side in images.shape[1:3])
        corner = (jnp.stack([down, right], -1) * (2 * margin + 1)).astype(jnp.int32)
        at = jnp.concatenate([corner, jnp.zeros((len(images), 1), jnp.int32)], axis=1)
        cut = partial(jax.lax.dynamic_slice, slice_sizes=(height, width, images.shape[3]))
        images = jax.vmap(cut)(images, at)
    if config.flip:
        images = jnp.where((flip < 0.5)[:, None, None, None], images[:, :, ::-1], images)
    return to_float(images)


def of_files(config: FilesData) -> Source:
    """The same numbers, held in memory or not."""
    kept = known(config)
    given, index, rows = kept.conditions, kept.selection.index, kept.selection.rows
    training, held_out = np.flatnonzero(kept.in_training), np.flatnonzero(~kept.in_training)
    number = np.float32 if given.embedding_width else np.int32
    margin, size = config.augment.shift, config.size
    one = partial(pixels, index, config)
    told = repr((config.digest, config.conditions, config.words, config.caption_length))
    seen = repr((config.read_size, size, config.channels, decode.VERSION))
    identity = content_hash(told.encode(), seen.encode(), kept.in_training.tobytes())

    def fetch(wanted: Int[np.ndarray, " b"]) -> Pictures:
        images = np.stack([one(int(row)) for row in rows[training[wanted]]])
        return Pictures(images, np.asarray(given.tokens[training[wanted]]))

    def batch(examples: Pictures, key: Array) -> Batch:
        return Batch(changed(examples, key, config.augment), examples.tokens.astype(number))

    def draw(arrays: Pictures, key: Array, index: Int[Array, " b"]) -> Batch:
        return batch(Pictures(arrays.images[index], arrays.tokens[index]), key)

    def streamed(arrays: Any, key: Array, examples: Pictures) -> Batch:
        return batch(examples, key)

    def sample(positions: Int[np.ndarray, " m"], count: int, seed: int) -> EvaluationSet:
        picked = positions[chosen(kept.ids[positions], count, seed)]
        with ThreadPoolExecutor() as pool:
            read = list(pool.map(one, rows[picked].tolist()))
        images = np.stack(read)[:, margin : margin + size, margin : margin + size]
        images = images.astype(np.float32) / np.float32(127.5) - 1
        return EvaluationSet(images, given.tokens[picked].astype(number), kept.ids[picked])

    arrays: Any = ()
    if kept.fits:
        images = in_memory(index, config, rows[training].tolist(), identity)
        arrays = Pictures(jnp.asarray(images), jnp.asarray(given.tokens[training]))
    return Source(
        facts=facts(config),
        arrays=arrays,
        examples=len(training),
        draw=draw if kept.fits else streamed,
        held_out=partial(sample, held_out),
        train_sample=partial(sample, training),
        to_x0=to_float,
        encode=given.encode,
        decode=given.decode,
        default_captions=given.show,
        is_held_out=given.is_held_out,
        denoiser=None,
        content_hash=identity,
        discrete=True,
        fetch=None if kept.fits else fetch,
    )
