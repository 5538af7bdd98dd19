"""From an image's bytes to a square of 8-bit pixels, as they are trained on."""

import io
from typing import Any

import numpy as np
from jaxtyping import UInt8

VERSION = 1  # raised when the same bytes would give other pixels
SPARE = 2  # a JPEG is decoded at a fraction of its size that is at least so many times the wanted
ORIENTATION = 0x0112  # the EXIF tag
TURNS = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
"""EXIF orientation to PIL's Transpose: 0, 1 mirror, 2, 3, 4 turn by 90, 180, 270 degrees."""


class Undecodable(Exception):
    """No image, for the reason given."""


def decode(content: bytes | np.ndarray, size: int, channels: int) -> UInt8[np.ndarray, "s s c"]:
    """The largest centred square, resized (Lanczos), upright, on white, in grey or RGB.

    Raises Undecodable.
    """
    from PIL import Image

    try:
        if isinstance(content, np.ndarray):
            return square(array_image(content), size, channels)
        with Image.open(io.BytesIO(content)) as image:
            shorter = min(image.size)
            if image.format == "JPEG" and shorter >= 2 * SPARE * size:
                scale = SPARE * size / shorter
                image.draft(None, (int(image.width * scale), int(image.height * scale)))
            return square(image, size, channels)
    except Undecodable:
        raise
    except Exception as error:  # PIL's plugins raise whatever malformed bytes lead them to
        raise Undecodable(f"{type(error).__name__}: {error}") from None


def square(image: Any, size: int, channels: int) -> UInt8[np.ndarray, "s s c"]:
    """Of an opened PIL image."""
    from PIL import Image

    turn = TURNS.get(orientation(image))
    image = flat(image)
    width, height = image.size
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    if (width, height) != (size, size):
        box = (left, top, left + side, top + side)
        image = image.resize((size, size), Image.Resampling.LANCZOS, box=box)
    if turn is not None:  # a square's middle is the same before and after
        image = image.transpose(Image.Transpose(turn))
    pixels = np.asarray(image.convert("L" if channels == 1 else "RGB"))
    return pixels.reshape(size, size, channels)


def orientation(image: Any) -> int:
    """By the EXIF tag; 1, upright, where there is none that can be read."""
    try:
        return image.getexif().get(ORIENTATION, 1)
    except Exception:  # PIL raises whatever a malformed tag leads it to
        return 1


def flat(image: Any) -> Any:
    """In grey or RGB: transparency on white, CMYK and palettes converted, 16 bits halved."""
    from PIL import Image

    if image.mode.startswith("I"):
        wide = np.asarray(image).astype(np.float64)
        return Image.fromarray(np.clip(np.round(wide / 257), 0, 255).astype(np.uint8))
    if image.mode == "F":
        raise Undecodable("its pixels are floats, of which nobody says where white is")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(ground, image).convert("RGB")
    return image if image.mode in ("L", "RGB") else image.convert("RGB")


def array_image(pixels: np.ndarray) -> Any:
    """Of an array [h, w, c] or [h, w], uint8."""
    from PIL import Image

    if pixels.dtype != np.uint8:
        raise Undecodable(f"its pixels are {pixels.dtype}, not uint8")
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    return Image.fromarray(np.ascontiguousarray(pixels))


def upright_size(content: bytes | np.ndarray) -> tuple[int, int]:
    """Width and height of an image that can be decoded."""
    from PIL import Image

    if isinstance(content, np.ndarray):
        return content.shape[1], content.shape[0]
    with Image.open(io.BytesIO(content)) as image:
        turned = orientation(image) >= 5
        width, height = image.size
        return (height, width) if turned else (width, height)
