"""The least loss that any network can have on the training images, measured and kept on disk."""

import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Num

from models.diffusion.finite.exact import Decode, posterior_mean
from models.diffusion.finite.nested import Index, index, nested_error, nested_posterior_means
from models.diffusion.finite.sketch import Sketch, information, sketch
from models.diffusion.process import diffuse, variance_exploding
from scaling.config import RunConfig
from scaling.config.floor import FloorConfig
from scaling.data.source import EvaluationSet, Source
from scaling.errors import InputError
from scaling.files import cache_directory, replacing
from scaling.measure.levels import common_noise, in_blocks
from scaling.measure.rows import protocol_hash

DIFFUSE = 1.0  # nats in a sketch of z below which nearly all images stay likely
DECIDED = 25.0  # nats beyond log(n) in half a sketch at which none but its likeliest images are
UNSEEN = 0.4  # nats in the last directions below which they are not compared
OFFSETS = 1  # keys of the nested estimator's draws are folded with this first
PROCESS = variance_exploding()  # the x0-error of the best denoiser is the same for all
READ_AT_ONCE = 256  # images that one thread reads before it is given more
VERSION = 3  # raised when the same settings would give other numbers

# (x0, z, log_snr, (images, index), allowed, (ids, level, draw)) -> squared errors, [b]
Estimate = Callable[..., Array]


def description(config: FloorConfig) -> dict[str, Any]:
    """What decides a floor beside the data and its draws; part of the protocol of its rows."""
    nested = {"candidates", "subset", "directions"}
    return config.model_dump(exclude=set() if config.method == "nested" else nested)


def floor(config: RunConfig, source: Source, data: EvaluationSet) -> Float[np.ndarray, "n k"]:
    """The best denoiser's x0-error on each example of `data`, a sample of the training images.

    At each level of `measure.log_snr`, per pixel, averaged over the same draws of noise as the
    networks' losses. Computed once for the same data and settings. InputError for a source
    without a finite set of images.
    """
    if source.examples is None:
        raise InputError(
            "measure.floor: only a finite set of images has one; the mixture's closed form is "
            "measured without asking: set measure.floor.method to none"
        )
    key = {
        "version": VERSION,
        "data": source.content_hash,
        "ids": data.ids.tolist(),
        "log_snr": list(config.measure.log_snr),
        "draws": config.measure.draws,
        "seed": config.measure.seed,
        "floor": description(config.measure.floor),
    }
    path = (
        cache_directory("floors")
        / f"{protocol_hash(key)}{protocol_hash(key | {'again': True})}.npz"
    )
    shape = (len(data.ids), len(config.measure.log_snr))
    known = load(path, shape)
    if known is None:
        known = compute(config, source, data)
        save(path, known)
    return known


def load(path: Path, shape: tuple[int, int]) -> Float[np.ndarray, "n k"] | None:
    """A stored floor, or None if there is none that is whole."""
    try:
        with path.open("rb") as file, np.load(file) as stored:
            errors = stored["errors"]
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
        return None
    return errors if errors.shape == shape and np.isfinite(errors).all() else None


def save(path: Path, errors: Float[np.ndarray, "n k"]) -> None:
    """Whole or not at all, whoever else is writing the same."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as draft, draft.open("wb") as file:
        np.savez(file, errors=errors)


def compute(config: RunConfig, source: Source, data: EvaluationSet) -> Float[np.ndarray, "n k"]:
    """The x0-errors themselves."""
    measure, chosen = config.measure, config.measure.floor
    stored, tokens = training(source)
    groups, own = groups_of(tokens, data.tokens)
    levels = jnp.asarray(measure.log_snr, jnp.float32)
    summary, parts = estimates(config, source, stored)

    def of_batch(
        given: tuple[Array, list[Index | None]], batch: EvaluationSet
    ) -> Float[Array, "b k"]:
        x0, own, ids = (jnp.asarray(part) for part in batch)
        x0 = x0.reshape(len(x0), -1)
        images = given[0].reshape(len(given[0]), -1)  # decoded number by number
        allowed = own == jnp.asarray(groups) if chosen.conditional else None

        def errors(
            estimate: Estimate, which: Any, first: int, count: int
        ) -> Float[Array, "count b"]:
            def at_draw(place: Int[Array, ""]) -> Float[Array, " b"]:
                level, draw = place // measure.draws, place % measure.draws
                noise = common_noise(measure.seed, ids, level, draw, x0.shape[1:])
                log_snr = jnp.full(len(x0), levels[level])
                z = diffuse(PROCESS, x0, noise, log_snr)
                return estimate(x0, z, log_snr, (images, which), allowed, (ids, level, draw))

            return jax.lax.map(at_draw, first + jnp.arange(count))

        at, found = 0, []
        for (estimate, count), which in zip(parts, given[1], strict=True):
            found.append(errors(estimate, which, at * measure.draws, count * measure.draws))
            at += count
        per_draw = jnp.concatenate(found).reshape(len(levels), measure.draws, -1)
        return jnp.mean(per_draw, axis=1).T

    given = (stored, summary)
    return in_blocks(jax.jit(of_batch), given, data._replace(tokens=own[:, None]))


def training(source: Source) -> tuple[Num[Array, "n h w c"], Num[np.ndarray, "n t *e"]]:
    """All training images on the device, as stored, and their captions; read once if streamed."""
    if source.fetch is None:
        return source.arrays.images, np.asarray(source.arrays.tokens)
    assert source.examples is not None
    rows = np.arange(source.examples)
    first = source.fetch(rows[:1])
    images, tokens = (
        np.empty((len(rows), *a.shape[1:]), a.dtype) for a in (first.images, first.tokens)
    )
    parts = np.split(rows, range(READ_AT_ONCE, len(rows), READ_AT_ONCE))
    with ThreadPoolExecutor() as pool:
        for part, read in zip(parts, pool.map(source.fetch, parts), strict=True):
            images[part], tokens[part] = read.images, read.tokens
    return jnp.asarray(images), tokens


def groups_of(
    tokens: Num[np.ndarray, "n t *e"], others: Num[np.ndarray, "m t *e"]
) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " m"]]:
    """A number for each row of either, the same for equal captions."""
    rows = np.concatenate([tokens, others])
    number = np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int32)
    return number[: len(tokens)], number[len(tokens) :]


def estimates(
    config: RunConfig, source: Source, images: Num[Array, "n h w c"]
) -> tuple[list[Index | None], list[tuple[Estimate, int]]]:
    """What the estimate reads beside the images, and which estimate serves how many levels."""
    measure, chosen = config.measure, config.measure.floor
    if chosen.method == "exact":
        return [None], [(exact_error(source.to_x0), len(measure.log_snr))]
    summary = sketch(images, chosen.directions, decode=source.to_x0)
    efforts = [effort(chosen, summary, level, len(images)) for level in measure.log_snr]
    parts = [(same, len(list(run))) for same, run in groupby(efforts)]
    return [index(summary, same.directions) for same, _ in parts], [
        (sampled_error(measure.seed, same, source.to_x0), count) for same, count in parts
    ]


class Effort(NamedTuple):
    """How many directions are compared, and how many images are read, at a noise level."""

    directions: int
    candidates: int
    subset: int


def effort(chosen: FloorConfig, summary: Sketch, log_snr: float, count: int) -> Effort:
    """All of it where z leaves a choice of images, less where it tells nothing or everything."""
    candidates, subset = chosen.candidates, chosen.subset
    nats = np.asarray(information(summary.variances, log_snr))
    few = -(-len(nats) // 6)
    if nats[-1] < DIFFUSE:
        return Effort(few, -(-candidates // 4), -(-subset // 2))
    if nats[few - 1] > np.log(count) + DECIDED:
        return Effort(few, -(-candidates // 2), 0)
    if nats[len(nats) // 2 - 1] > np.log(count) + DECIDED:
        return Effort(8 * -(-int(np.sum(nats < np.log(count) + DECIDED) + 1) // 8), candidates, 0)
    told = int(np.sum(nats < nats[-1] - UNSEEN)) + 1
    return Effort(min(len(nats), 8 * -(-told // 8)), candidates, subset)


def exact_error(decode: Decode) -> Estimate:
    """Squared error of the exact posterior mean; `decode` turns stored images into x0."""

    def error(x0: Array, z: Array, log_snr: Array, given: Any, allowed: Any, place: Any) -> Array:
        best = posterior_mean(PROCESS, z, log_snr, given[0], allowed, decode=decode)
        return jnp.mean((x0 - best) ** 2, axis=tuple(range(1, x0.ndim)))

    return error


def sampled_error(seed: int, effort: Effort, decode: Decode) -> Estimate:
    """The same by the nested estimator, with draws of its own for each example, level and draw.

    Examples share no draw, so that the standard error over examples holds what drawing adds.
    """

    def offsets(ids: Array, level: Array, draw: Array) -> Float[Array, "b 2"]:
        def one(example: Array) -> Array:
            key = jax.random.fold_in(jax.random.key(seed), OFFSETS)
            for number in (example, level, draw):
                key = jax.random.fold_in(key, number)
            return jax.random.uniform(key, (2,))

        return jax.vmap(one)(ids)

    def error(x0: Array, z: Array, log_snr: Array, given: Any, allowed: Any, place: Any) -> Array:
        images, found = given
        pair = nested_posterior_means(
            PROCESS,
            z,
            log_snr,
            images,
            found,
            offsets(*place),
            allowed,
            candidates=effort.candidates,
            subset=effort.subset,
            decode=decode,
        )
        return nested_error(x0, pair)

    return error
