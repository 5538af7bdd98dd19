"""Features that judges see pictures by."""

from collections import OrderedDict
from dataclasses import replace

import numpy as np
from jaxtyping import Float32, UInt8

from scaling.measure.features.named import SHIPPED, named
from scaling.measure.features.network import Network
from scaling.measure.kept_features import features_of, kept_features_of, sha256

SIZE = 128
"""Pixels a side that small pictures are shown at, at a third of the cost of the network's 224."""
REMEMBERED = 8
"""Sets of pictures whose features are held: several judges look at the same ones."""

Pixels = UInt8[np.ndarray, "n h w c"]


def shipped() -> Network:
    """EfficientNet-Lite0, at the judges' size."""
    return replace(named(SHIPPED), size=SIZE)


class Eye:
    """`eye(images)` gives features; `eye.fixed(images)` reads them from the cache on disk."""

    def __init__(self, network: Network):
        self.network = network
        self._seen: OrderedDict[str, np.ndarray] = OrderedDict()

    def __call__(self, images: Pixels) -> Float32[np.ndarray, "n d"]:
        """Of any pictures."""
        key = sha256(images)
        if key not in self._seen:
            self._remember(key, features_of(images, self.network, "the samples"))
        return self._seen[key]

    def fixed(self, images: Pixels) -> Float32[np.ndarray, "n d"]:
        """Of pictures that are looked at in every run."""
        key = sha256(images)
        if key not in self._seen:
            self._remember(key, kept_features_of(images, self.network, "the real images"))
        return self._seen[key]

    def _remember(self, key: str, features: np.ndarray) -> None:
        self._seen[key] = features
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
