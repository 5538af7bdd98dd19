"""EfficientNet-Lite0 (Tan & Le 2019, the Lite variant), trained on ImageNet-1k and shipped here."""

import hashlib
import math
from functools import cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Float, UInt8

from scaling.data import assets
from scaling.measure.features.network import Network, compiled

FILE = "efficientnet_lite0.npz"
SIZE, FEATURES, CLASSES = 224, 1280, 1000


class Stage(NamedTuple):
    """Blocks of one width."""

    repeats: int
    kernel: int
    stride: int
    expand: int
    channels: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
STEM = 32
BLOCKS = tuple(
    stage._replace(repeats=1, stride=stage.stride if i == 0 else 1)
    for stage in STAGES
    for i in range(stage.repeats)
)


def shapes() -> dict[str, tuple[int, ...]]:
    """Of every weight, by name, in the order of the file; biases follow their weights."""
    kernels: dict[str, tuple[int, ...]] = {"stem": (3, 3, 3, STEM)}
    width = STEM
    for i, block in enumerate(BLOCKS):
        wide = width * block.expand
        if block.expand > 1:
            kernels[f"blocks/{i}/exp"] = (1, 1, width, wide)
        kernels[f"blocks/{i}/dw"] = (block.kernel, block.kernel, 1, wide)
        kernels[f"blocks/{i}/proj"] = (1, 1, wide, block.channels)
        width = block.channels
    kernels |= {"head": (1, 1, width, FEATURES), "fc": (FEATURES, CLASSES)}
    return {
        f"{name}/{part}": shape
        for name, whole in kernels.items()
        for part, shape in enumerate((whole, whole[-1:]))
    }


def decode(
    low: UInt8[np.ndarray, " n"], high: UInt8[np.ndarray, " n"]
) -> dict[str, Float[np.ndarray, "..."]]:
    """Float32 weights by name, from the two bytes of their float16 values."""
    values = np.stack([low, high], axis=1).view("<f2")[:, 0].astype(np.float32)
    found, at = {}, 0
    for name, shape in shapes().items():
        found[name] = values[at : (at := at + math.prod(shape))].reshape(shape)
    return found


@cache
def network() -> Network:
    """Its features are the 1280 pooled activations before the classifier."""
    low, high = assets.read(FILE, ["low", "high"])
    return Network(
        name="efficientnet_lite0",
        sha256=hashlib.sha256(low.tobytes() + high.tobytes()).hexdigest(),
        size=SIZE,
        apply=compiled(forward, decode(low, high), one_by_one=True),
    )


def forward(
    weights: dict[str, Array], pixels: Float[Array, "n s s 3"]
) -> tuple[Float[Array, "n 1280"], Float[Array, "n 1000"]]:
    """Features and logits of pixels in 0..255."""
    x = (pixels - 127) / 128
    x = _relu6(_full(weights, "stem", x, 2))
    for i, block in enumerate(BLOCKS):
        before = x
        if block.expand > 1:
            x = _relu6(_full(weights, f"blocks/{i}/exp", x))
        x = _relu6(_depthwise(weights, f"blocks/{i}/dw", x, block.stride))
        x = _full(weights, f"blocks/{i}/proj", x)
        if x.shape == before.shape:
            x = x + before
    features = _relu6(_full(weights, "head", x)).mean(axis=(1, 2))
    return features, features @ weights["fc/0"] + weights["fc/1"]


def _relu6(x: Array) -> Array:
    return x.clip(0, 6)


def _full(weights: dict[str, Array], name: str, x: Array, stride: int = 1) -> Array:
    import jax

    kernel, bias = weights[f"{name}/0"], weights[f"{name}/1"]
    if kernel.shape[0] == 1:
        return x @ kernel[0, 0] + bias
    axes = ("NHWC", "HWIO", "NHWC")
    return (
        jax.lax.conv_general_dilated(x, kernel, (stride, stride), "SAME", None, None, axes) + bias
    )


def _depthwise(weights: dict[str, Array], name: str, x: Array, stride: int) -> Array:
    """A sum of shifted products: on CPU several times faster than XLA's grouped convolution."""
    import jax

    kernel, bias = weights[f"{name}/0"][:, :, 0], weights[f"{name}/1"]
    k, side = len(kernel), -(-x.shape[1] // stride)
    around = max((side - 1) * stride + k - x.shape[1], 0)
    edge = (around // 2, around - around // 2)
    x = jax.numpy.pad(x, ((0, 0), edge, edge, (0, 0)))
    reach = (side - 1) * stride + 1
    shifted = (
        x[:, i : i + reach : stride, j : j + reach : stride] * kernel[i, j]
        for i in range(k)
        for j in range(k)
    )
    return sum(shifted, start=bias)
