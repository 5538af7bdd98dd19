"""The oracle's data: an endless Gaussian mixture whose component means are smooth random images."""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int32

from scaling.config.data import MixtureData

MEAN_RMS = 0.5  # with deviation 0.2 the data's deviation is 0.54, and 95 % lies within about +-1
STREAMS = ("means", "held_out", "train")  # append only: a stream's place is part of its seed


class Draws(NamedTuple):
    """Images of the mixture, before any noise."""

    images: Float32[np.ndarray, "n h w c"]
    component: Int32[np.ndarray, " n"]


def generator(config: MixtureData, stream: str, *more: int) -> np.random.Generator:
    """Numpy's PCG64, so that the numbers do not depend on jax."""
    return np.random.Generator(np.random.PCG64([config.seed, STREAMS.index(stream), *more]))


def smoothing(size: int, length: float) -> Float64[np.ndarray, "size padded"]:
    """Rows that turn white noise into a process of unit variance, correlated as exp(-d^2 / 2 l^2).

    The kernel exp(-d^2 / l^2) convolved with itself is proportional to that correlation, on pixels
    too as long as l is a pixel or more; a shorter one tends to white noise.
    """
    pad = math.ceil(3 * length)
    distance = np.arange(size)[:, None] + pad - np.arange(size + 2 * pad)[None]
    rows = np.exp(-((distance / length) ** 2))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def means(config: MixtureData) -> Float32[np.ndarray, "k h w c"]:
    """Component means: smooth Gaussian random fields, scaled together to an rms of one half.

    Values are rounded to 2^-12, lest the last bit of a machine's arithmetic show.
    """
    rows = smoothing(config.size, config.smoothness)
    shape = (config.components, config.channels, rows.shape[1], rows.shape[1])
    white = generator(config, "means").standard_normal(shape)
    fields = rows @ white @ rows.T
    fields *= MEAN_RMS / np.sqrt(np.mean(fields**2))
    return (np.round(fields * 2**12) / 2**12).transpose(0, 2, 3, 1).astype(np.float32)


def draw(config: MixtureData, stream: str, count: int, seed: int) -> Draws:
    """The first `count` images of an endless fixed stream; a larger count begins with the same."""
    centres = means(config)
    component = generator(config, stream, seed, 0).integers(
        config.components, size=count, dtype=np.int64
    )
    noise = generator(config, stream, seed, 1).standard_normal(
        (count, *centres.shape[1:]), dtype=np.float32
    )
    images = centres[component] + np.float32(config.deviation) * noise
    return Draws(images, component.astype(np.int32))
