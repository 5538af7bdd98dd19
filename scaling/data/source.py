"""A source of images: data as arrays, and pure functions that draw from them."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Float32, Int, Int32, Num, UInt8

from models.diffusion.mixture import posterior_mean
from models.diffusion.process import Process
from scaling.config.data import (
    AugmentConfig,
    DataConfig,
    EmojiData,
    FilesData,
    LatentsData,
    MixtureData,
)
from scaling.data import conditions, latents, memory, mixture, split
from scaling.data.augment import augment, to_float
from scaling.data.catalogue import Catalogue
from scaling.data.facts import Facts, catalogue, facts
from scaling.data.split import chosen


class Batch(NamedTuple):
    """What a training step eats: images in [-1, 1] and their conditions, numbers or vectors.

    Mixtures go beyond, and latents in place of images have about unit variance.
    """

    images: Float[Array, "b h w c"]
    tokens: Num[Array, "b t *e"]


class EvaluationSet(NamedTuple):
    """Fixed examples, not augmented, each with the number that keys its noise."""

    images: Float32[np.ndarray, "b h w c"]
    tokens: Num[np.ndarray, "b t *e"]
    ids: Int32[np.ndarray, " b"]


class TrainingImages(NamedTuple):
    """The arrays of a finite source: its training split."""

    images: UInt8[Array, "n h w c"]
    tokens: Int32[Array, "n t"]
    may_flip: Bool[Array, " n"]
    may_turn: Bool[Array, " n"]


class TrainingLatents(NamedTuple):
    """Latents as stored: in memory all of the training split, streamed those of a batch."""

    images: Float[Any, "n h w c"]  # means of the VAE's posterior
    std: Float[Any, "n h w c"] | None
    tokens: Num[Any, "n t *e"]


class Means(NamedTuple):
    """The arrays of the mixture."""

    means: Float32[Array, "k h w c"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """Where images come from. Only `arrays` is data; the rest is static and pure.

    `draw(arrays, key, index)` gives a Batch and may be compiled: `index` holds positions in the
    training split, of which an endless source (`examples` is None) uses the number alone. Where
    there is `fetch`, `arrays` is empty and in place of the index `draw` takes what the host reads,
    `fetch(index)`, a tree of arrays [b, ...].
    `held_out(count, seed)` and `train_sample(count, seed)` give EvaluationSets, at most as large
    as the split; a larger count adds examples to those of a smaller one.
    `to_x0` turns a finite source's stored `arrays.images` into the x0 of networks.
    `denoiser(process, z, log_snr)` is E[x0 | z] where it is known, else None.
    """

    facts: Facts
    arrays: Any
    examples: int | None
    draw: Callable[[Any, Array, Any], Batch]
    held_out: Callable[[int, int], EvaluationSet]
    train_sample: Callable[[int, int], EvaluationSet]
    to_x0: Callable[[Array], Array]
    encode: Callable[[Sequence[str]], Num[np.ndarray, "n t *e"]]
    decode: Callable[[np.ndarray], list[str]]
    default_captions: Callable[[int, int], list[str]]
    is_held_out: Callable[[str], bool]  # whether training has no example of the caption's concept
    denoiser: Callable[[Process, Array, Array], Array] | None
    content_hash: str
    discrete: bool  # whether images are 8-bit values
    fetch: Callable[[Int[np.ndarray, " b"]], Any] | None = None


def load(config: DataConfig, path: Path | None = None) -> Source:
    """The source that `config` describes, its arrays on the default device.

    `path` stands in for the shipped asset of a finite source. Raises InputError when the asset
    cannot be read.
    """
    if isinstance(config, MixtureData):
        return endless(config)
    if isinstance(config, LatentsData):
        return latent(config)
    if isinstance(config, FilesData):
        from scaling.data.files.source import of_files

        return of_files(config)
    changes = config.augment if isinstance(config, EmojiData) else None
    return finite(catalogue(config, path), facts(config, path), changes)


def content_hash(*parts: bytes) -> str:
    """The first twelve hex digits of sha256."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8) + part)
    return digest.hexdigest()[:12]


def finite(known: Catalogue, about: Facts, changes: AugmentConfig | None) -> Source:
    """A captioned data set held in memory."""
    pixels = known.pixels()
    tokens = known.vocabulary.encode(known.captions)
    ids = known.ids
    training = known.training
    arrays = TrainingImages(
        images=jnp.asarray(pixels[training]),
        tokens=jnp.asarray(tokens[training]),
        may_flip=jnp.asarray(known.may_flip[training]),
        may_turn=jnp.asarray(known.may_turn[training]),
    )

    def draw(arrays: TrainingImages, key: Array, index: Int[Array, " b"]) -> Batch:
        if changes is None:
            return Batch(to_float(arrays.images[index]), arrays.tokens[index])
        images = augment(
            arrays.images, index, arrays.may_flip, arrays.may_turn, key=key, config=changes
        )
        return Batch(images, arrays.tokens[index])

    def sample(positions: Int[np.ndarray, " m"], count: int, seed: int) -> EvaluationSet:
        rows = positions[chosen(ids[positions], count, seed)]
        images = pixels[rows].astype(np.float32) / np.float32(127.5) - 1
        return EvaluationSet(images, tokens[rows], ids[rows])

    return Source(
        facts=about,
        arrays=arrays,
        examples=about.examples,
        draw=draw,
        held_out=partial(sample, known.held_out),
        train_sample=partial(sample, training),
        to_x0=to_float,
        encode=known.vocabulary.encode,
        decode=known.vocabulary.decode,
        default_captions=known.show,
        is_held_out=known.is_held_out,
        denoiser=None,
        content_hash=content_hash(
            pixels.tobytes(),
            "\n".join(known.captions).encode(),
            known.in_training.tobytes() + known.in_held_out.tobytes(),
        ),
        discrete=True,
    )


def latent(config: LatentsData) -> Source:
    """A VAE's latents: in training drawn afresh from each posterior, elsewhere once each."""
    file = config.arrays
    in_training = latents.in_training(file, config.held_out)
    given = conditions.of(file, config.conditions, config.held_out)
    training, ids = np.flatnonzero(in_training), split.ids(map(str, range(len(file))))
    number = np.float32 if given.embedding_width else np.int32
    about = facts(config)
    held = memory.fits(about.example_bytes * len(training))

    def fetch(wanted: Int[np.ndarray, " b"]) -> TrainingLatents:
        rows = training[wanted]
        spread = None if file.std is None else file.std[rows]
        return TrainingLatents(file.mean[rows], spread, np.asarray(given.tokens[rows]))

    def to_x0(values: Any) -> Any:
        return (values.astype(np.float32) - np.float32(config.shift)) * np.float32(
            config.scale_factor
        )

    def streamed(arrays: Any, key: Array, examples: TrainingLatents) -> Batch:
        values = examples.images.astype(jnp.float32)
        if examples.std is not None:
            values += examples.std * jax.random.normal(key, values.shape)
        return Batch(to_x0(values), examples.tokens.astype(number))

    def draw(arrays: TrainingLatents, key: Array, index: Int[Array, " b"]) -> Batch:
        return streamed((), key, jax.tree.map(lambda leaf: leaf[index], arrays))

    def sample(positions: Int[np.ndarray, " m"], count: int, seed: int) -> EvaluationSet:
        rows = positions[chosen(ids[positions], count, seed)]
        values = file.mean[rows].astype(np.float32)
        if file.std is not None:
            values += file.std[rows] * fixed_noise(ids[rows], values.shape[1:])
        return EvaluationSet(to_x0(values), given.tokens[rows].astype(number), ids[rows])

    arrays: Any = ()
    if held:
        arrays = jax.tree.map(jnp.asarray, fetch(np.arange(len(training))))
    return Source(
        facts=about,
        arrays=arrays,
        examples=len(training),
        draw=draw if held else streamed,
        held_out=partial(sample, np.flatnonzero(~in_training)),
        train_sample=partial(sample, training),
        to_x0=to_x0,
        encode=given.encode,
        decode=given.decode,
        default_captions=given.show,
        is_held_out=given.is_held_out,
        denoiser=None,
        content_hash=content_hash(
            repr((config.digest, config.conditions, config.scale_factor, config.shift)).encode(),
            in_training.tobytes(),
        ),
        discrete=False,
        fetch=None if held else fetch,
    )


def fixed_noise(
    ids: Int32[np.ndarray, " b"], shape: tuple[int, ...]
) -> Float32[np.ndarray, "b h w c"]:
    """Each example's own, the same for every run, sample and machine (numpy's PCG64)."""
    draws = [np.random.Generator(np.random.PCG64(int(i))) for i in ids]
    return np.stack([draw.standard_normal(shape, np.float32) for draw in draws])


def endless(config: MixtureData) -> Source:
    """The Gaussian mixture, drawn afresh at every step, with its closed-form denoiser."""
    means = mixture.means(config)
    arrays = Means(jnp.asarray(means))

    def encode(captions: Sequence[str]) -> Int32[np.ndarray, "n 1"]:
        return np.zeros((len(captions), 1), np.int32)

    def draw(arrays: Means, key: Array, index: Int[Array, " b"]) -> Batch:
        which, noise = jax.random.split(key)
        centres = arrays.means[jax.random.randint(which, index.shape, 0, config.components)]
        images = centres + config.deviation * jax.random.normal(noise, centres.shape)
        return Batch(images, jnp.zeros((len(index), 1), jnp.int32))

    def sample(stream: str, count: int, seed: int) -> EvaluationSet:
        images = mixture.draw(config, stream, count, seed).images
        return EvaluationSet(images, encode([""] * count), np.arange(count, dtype=np.int32))

    return Source(
        facts=facts(config),
        arrays=arrays,
        examples=None,
        draw=draw,
        held_out=partial(sample, "held_out"),
        train_sample=partial(sample, "train"),
        to_x0=jnp.asarray,
        encode=encode,
        decode=lambda tokens: [""] * len(tokens),
        default_captions=lambda count, seed: [""] * count,
        is_held_out=lambda caption: False,
        denoiser=lambda process, z, log_snr: posterior_mean(
            process, z, log_snr, arrays.means, config.deviation
        ),
        content_hash=content_hash(means.tobytes(), repr(config.deviation).encode()),
        discrete=False,
    )
