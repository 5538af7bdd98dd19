"""The interface of a feature network, and how images go through it."""

import itertools
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

from scaling.measure.features.resize import BICUBIC, Resize

IMAGES_AT_ONCE = 8
"""Of every device: the last ones are filled up, so that a network meets a single shape."""
ON_ACCELERATORS = 64
"""The same of one whose many cores more images keep busy."""


@dataclass(frozen=True, kw_only=True)
class Network:
    """Pixels 0..255 in float32 [n, size, size, 3] to features [n, d], and a classifier's logits.

    `sha256` is that of the weights; `size` the pixels a side that it takes, and `resize` how an
    image comes to it.
    """

    name: str
    sha256: str
    size: int
    apply: Callable[[np.ndarray], tuple[np.ndarray, ...]]
    resize: Resize = BICUBIC


def compiled(
    forward: Callable[[Any, Any], tuple[Any, ...]], parameters: Any, *, one_by_one: bool = False
) -> Callable[[np.ndarray], tuple[np.ndarray, ...]]:
    """A network's `apply` from `forward(parameters, pixels)`; float32 products on any device.

    Images are split evenly among this process's devices, each of which holds all parameters.
    `one_by_one`: on a CPU each image by itself, two or more side by side. That is faster where
    activations are what fills the caches, and slower where the weights are.
    """
    import jax
    from jax.sharding import Mesh, NamedSharding, PartitionSpec

    one_by_one = one_by_one and jax.default_backend() == "cpu"
    devices = jax.local_devices()[: 1 if one_by_one else None]
    mesh = Mesh(np.array(devices), ["images"])
    split = NamedSharding(mesh, PartitionSpec("images"))
    run, held = jax.jit(forward), jax.device_put(parameters, NamedSharding(mesh, PartitionSpec()))

    def together(pixels: np.ndarray) -> tuple[np.ndarray, ...]:
        spare = [(0, -len(pixels) % len(devices)), *[(0, 0)] * (pixels.ndim - 1)]
        placed = jax.device_put(np.pad(pixels, spare, mode="edge"), split)
        with jax.default_matmul_precision("float32"):
            return tuple(np.asarray(found)[: len(pixels)] for found in run(held, placed))

    def apart(pixels: np.ndarray) -> tuple[np.ndarray, ...]:
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            each = list(threads.map(together, np.split(pixels, len(pixels))))
        return tuple(map(np.concatenate, zip(*each, strict=True)))

    return apart if one_by_one else together


def images_at_once() -> int:
    """As many as keep every device of this process busy."""
    import jax

    of_each = IMAGES_AT_ONCE if jax.default_backend() == "cpu" else ON_ACCELERATORS
    return of_each * jax.local_device_count()


def extract(
    network: Network, images: Iterable[UInt8[np.ndarray, "h w 3"]]
) -> tuple[Float32[np.ndarray, "n d"], Float32[np.ndarray, "n classes"] | None]:
    """Features and logits of one image or more, each of any size; None without logits."""

    def resized(image: np.ndarray) -> np.ndarray:
        return network.resize.apply(image, network.size)

    found, at_once = [], images_at_once()
    for batch in itertools.batched(images, at_once):
        with ThreadPoolExecutor() as threads:  # Pillow lets other threads run while it resizes
            pixels = np.stack(list(threads.map(resized, batch)))
        missing = at_once - len(batch)
        outputs = network.apply(np.pad(pixels, [(0, missing), (0, 0), (0, 0), (0, 0)]))
        found.append([np.asarray(o, np.float32)[: len(batch)] for o in outputs])
    features, *logits = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return features, logits[0] if logits else None
