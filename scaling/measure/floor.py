"""The least loss that any network can have on the training images, measured and kept on disk."""

import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from models.diffusion import finite
from models.diffusion.process import diffuse, variance_exploding
from scaling.config import RunConfig
from scaling.config.floor import FloorConfig
from scaling.data.augment import to_float
from scaling.data.source import EvaluationSet, Source
from scaling.errors import InputError
from scaling.measure.levels import common_noise, in_blocks
from scaling.measure.rows import protocol_hash

PROCESS = variance_exploding()  # the x0-error of the best denoiser is the same for all
DIRECTIONS_FROM = 2048  # images that principal directions are computed from
VERSION = 1  # raised when the same settings would give other numbers


def description(config: FloorConfig) -> dict[str, Any]:
    """What decides a floor beside the data and its draws; part of the protocol of its rows."""
    nested = {"candidates", "subset", "directions"}
    return config.model_dump(exclude=set() if config.method == "nested" else nested)


def cache_directory() -> Path:
    """SCALING_CACHE, or the user's cache."""
    if given := os.environ.get("SCALING_CACHE"):
        return Path(given) / "floors"
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "scaling" / "floors"


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
    path = cache_directory() / f"{protocol_hash(key)}{protocol_hash(key | {'again': True})}.npz"
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
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as file:
        np.savez(file, errors=errors)
    Path(file.name).replace(path)


def compute(config: RunConfig, source: Source, data: EvaluationSet) -> Float[np.ndarray, "n k"]:
    """The x0-errors themselves."""
    measure, chosen = config.measure, config.measure.floor
    tokens = np.asarray(source.arrays.tokens)
    groups, own = groups_of(tokens, data.tokens)
    levels = jnp.asarray(measure.log_snr, jnp.float32)
    estimate = {"exact": exact_error, "nested": nested_error}[chosen.method](config, source)

    def of_batch(images: Array, batch: EvaluationSet) -> Float[Array, "b k"]:
        x0, own, ids = (jnp.asarray(part) for part in batch)
        allowed = own == jnp.asarray(groups) if chosen.conditional else None

        def at_draw(place: Int[Array, ""]) -> Float[Array, " b"]:
            level, draw = place // measure.draws, place % measure.draws
            noise = common_noise(measure.seed, ids, level, draw, x0.shape[1:])
            log_snr = jnp.full(len(x0), levels[level])
            z = diffuse(PROCESS, x0, noise, log_snr)
            return estimate(x0, z, log_snr, images, allowed, place)

        errors = jax.lax.map(at_draw, jnp.arange(len(levels) * measure.draws))
        return jnp.mean(errors.reshape(len(levels), measure.draws, -1), axis=1).T

    return in_blocks(jax.jit(of_batch), source.arrays.images, data._replace(tokens=own[:, None]))


def groups_of(
    tokens: Int[np.ndarray, "n t"], others: Int[np.ndarray, "m t"]
) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " m"]]:
    """A number for each row of either, the same for equal captions."""
    rows = np.concatenate([tokens, others])
    number = np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int32)
    return number[: len(tokens)], number[len(tokens) :]


def exact_error(config: RunConfig, source: Source) -> Any:
    """(x0, z, log_snr, images, allowed, place) -> squared error of the exact posterior mean."""

    def error(x0: Array, z: Array, log_snr: Array, images: Array, allowed: Any, place: Array):
        best = finite.posterior_mean(PROCESS, z, log_snr, images, allowed, decode=to_float)
        return jnp.mean((x0 - best) ** 2, axis=tuple(range(1, x0.ndim)))

    return error


def nested_error(config: RunConfig, source: Source) -> Any:
    """The same by the nested estimator, with its own subsets at each level and draw."""
    chosen, images = config.measure.floor, source.arrays.images
    count = len(images)
    directions = finite.principal_directions(
        to_float(images[:: -(-count // DIRECTIONS_FROM)]), chosen.directions
    )
    coordinates = jnp.concatenate(
        [
            finite.coordinates(to_float(images[first : first + DIRECTIONS_FROM]), directions)
            for first in range(0, count, DIRECTIONS_FROM)
        ]
    )
    generator = np.random.Generator(np.random.PCG64(config.measure.seed))
    size = min(chosen.subset, count)
    subsets = jnp.asarray(
        [
            [generator.choice(count, size, replace=False) for _ in range(2)]
            for _ in range(len(config.measure.log_snr) * config.measure.draws)
        ]
    )

    def error(x0: Array, z: Array, log_snr: Array, images: Array, allowed: Any, place: Array):
        pair = finite.nested_posterior_means(
            PROCESS,
            z,
            log_snr,
            images,
            directions,
            coordinates,
            subsets[place],
            allowed,
            candidates=chosen.candidates,
            decode=to_float,
        )
        return finite.nested_error(x0, pair)

    return error
