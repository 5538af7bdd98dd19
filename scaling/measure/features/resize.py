"""How an image becomes the square that a network takes: each network with its own way."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import PIL
from jaxtyping import Float32, Int, UInt8
from PIL import Image


@dataclass(frozen=True, kw_only=True)
class Resize:
    """`method` goes into the protocol; `apply(image, size)` gives pixels 0..255, not rounded."""

    method: str
    apply: Callable[[np.ndarray, int], np.ndarray]


def bicubic(image: UInt8[np.ndarray, "h w 3"], size: int) -> Float32[np.ndarray, "size size 3"]:
    """Stretched to a square; every channel by itself and without 8-bit rounding.

    As clean-fid does it (Parmar et al. 2022): the filter grows when an image shrinks.
    """
    found = np.empty((size, size, 3), np.float32)
    for c in range(3):
        channel = Image.fromarray(image[:, :, c].astype(np.float32))
        channel = channel.resize((size, size), resample=Image.Resampling.BICUBIC)
        found[:, :, c] = np.asarray(channel)
    return found.clip(0, 255, out=found)


def tensorflow_bilinear(
    image: UInt8[np.ndarray, "h w 3"], size: int
) -> Float32[np.ndarray, "size size 3"]:
    """Stretched to a square by the ResizeBilinear of TensorFlow 1, which the FID's graph holds.

    Pixel i lies at i * old / new, half a pixel off centre, and nothing is averaged on shrinking.
    """
    low, high, part = _between(image.shape[1], size)
    rows = image.astype(np.float32)
    rows = rows[:, low] + (rows[:, high] - rows[:, low]) * part[:, None]
    low, high, part = _between(image.shape[0], size)
    return rows[low] + (rows[high] - rows[low]) * part[:, None, None]


def _between(
    old: int, new: int
) -> tuple[Int[np.ndarray, " new"], Int[np.ndarray, " new"], Float32[np.ndarray, " new"]]:
    """The two old pixels that each new one lies between, and how far from the first."""
    place = np.arange(new, dtype=np.float32) * (np.float32(old) / np.float32(new))
    low = np.floor(place).astype(int)
    return low, np.minimum(low + 1, old - 1), place - low.astype(np.float32)


def cropped_bicubic(
    image: UInt8[np.ndarray, "h w 3"], size: int
) -> Float32[np.ndarray, "size size 3"]:
    """The shorter side to `size` in 8 bits, then the middle: CLIP's own (Radford et al. 2021)."""
    height, width = image.shape[:2]
    shorter = min(height, width)
    height, width = int(size * height / shorter), int(size * width / shorter)
    resized = Image.fromarray(image).resize((width, height), resample=Image.Resampling.BICUBIC)
    top, left = round((height - size) / 2), round((width - size) / 2)
    return np.asarray(resized, np.float32)[top : top + size, left : left + size]


def padded_bicubic(
    image: UInt8[np.ndarray, "h w 3"], size: int
) -> Float32[np.ndarray, "size size 3"]:
    """The longer side to `size` in float32, nothing clipped, black around: HPS v2's own.

    Wu et al. 2023 (arXiv 2306.09341), whose code shrinks tensors, not 8-bit images.
    """
    scale = size / max(image.shape[:2])
    height, width = (round(side * scale) for side in image.shape[:2])
    top, left = (size - height) // 2, (size - width) // 2
    found = np.zeros((size, size, 3), np.float32)
    for c in range(3):
        channel = Image.fromarray(image[:, :, c].astype(np.float32))
        channel = channel.resize((width, height), resample=Image.Resampling.BICUBIC)
        found[top : top + height, left : left + width, c] = np.asarray(channel)
    return found


BICUBIC = Resize(method="PIL bicubic, float32 per channel", apply=bicubic)
TENSORFLOW_BILINEAR = Resize(
    method="TensorFlow 1 bilinear, not antialiased", apply=tensorflow_bilinear
)
CROPPED_BICUBIC = Resize(
    method="PIL bicubic of the shorter side, 8-bit, middle cropped", apply=cropped_bicubic
)

PADDED_BICUBIC = Resize(
    method="PIL bicubic of the longer side, float32, black bars", apply=padded_bicubic
)


def version() -> str:
    """Of the library that resizes: its filters have changed before."""
    return PIL.__version__
