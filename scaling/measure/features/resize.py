"""Resizing as clean-fid does it (Parmar et al. 2022): the filter grows when an image shrinks."""

import numpy as np
import PIL
from jaxtyping import Float32, UInt8
from PIL import Image

METHOD = "PIL bicubic, float32 per channel"


def resize(image: UInt8[np.ndarray, "h w 3"], size: int) -> Float32[np.ndarray, "size size 3"]:
    """To a square, in 0..255, not rounded; every channel by itself and without 8-bit rounding."""
    channels = [
        Image.fromarray(image[:, :, c].astype(np.float32)).resize(
            (size, size), resample=Image.Resampling.BICUBIC
        )
        for c in range(3)
    ]
    return np.stack([np.asarray(channel).clip(0, 255) for channel in channels], axis=2)


def version() -> str:
    """Of the library that resizes: its filters have changed before."""
    return PIL.__version__
