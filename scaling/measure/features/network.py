"""The interface of a feature network, and how images go through it."""

import itertools
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float32, UInt8

from scaling.measure.features.resize import resize

IMAGES_AT_ONCE = 8
"""In every call: the last one is filled up, so that a network meets a single shape."""


@dataclass(frozen=True, kw_only=True)
class Network:
    """Pixels 0..255 in float32 [n, size, size, 3] to features [n, d], and a classifier's logits.

    `sha256` is that of the weights; `size` the pixels a side that it takes.
    """

    name: str
    sha256: str
    size: int
    apply: Callable[[np.ndarray], tuple[np.ndarray, ...]]


def extract(
    network: Network, images: Iterable[UInt8[np.ndarray, "h w 3"]]
) -> tuple[Float32[np.ndarray, "n d"], Float32[np.ndarray, "n classes"] | None]:
    """Features and logits of one image or more, each of any size; None without logits."""
    found = []
    for batch in itertools.batched(images, IMAGES_AT_ONCE):
        with ThreadPoolExecutor() as threads:  # Pillow lets other threads run while it resizes
            pixels = np.stack(list(threads.map(partial(resize, size=network.size), batch)))
        missing = IMAGES_AT_ONCE - len(batch)
        outputs = network.apply(np.pad(pixels, [(0, missing), (0, 0), (0, 0), (0, 0)]))
        found.append([np.asarray(o, np.float32)[: len(batch)] for o in outputs])
    features, *logits = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return features, logits[0] if logits else None
