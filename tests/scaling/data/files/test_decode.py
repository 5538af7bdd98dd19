"""Pixels of any image: upright, on white, in 8 bits, in a square from the middle."""

import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from scaling.data.files.decode import Undecodable, decode, upright_size

DRAW = np.random.default_rng(0)


def smooth(height: int, width: int) -> np.ndarray:
    """A picture without fine detail, which no way of resizing changes much."""
    y, x = np.mgrid[0:height, 0:width]
    channels = [y / height, x / width, (y + x) / (height + width)]
    return (255 * np.stack(channels, -1)).astype(np.uint8)


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def test_an_image_of_the_size_asked_for_is_left_as_it_is():
    pixels = DRAW.integers(0, 256, (16, 16, 3), np.uint8)
    assert (decode(encoded(Image.fromarray(pixels), "PNG"), 16, 3) == pixels).all()
    assert (decode(pixels, 16, 3) == pixels).all()


def test_the_largest_square_in_the_middle_is_resized():
    pixels = DRAW.integers(0, 256, (30, 50, 3), np.uint8)
    middle = Image.fromarray(pixels[:, 10:40])
    expected = np.asarray(middle.resize((15, 15), Image.Resampling.LANCZOS))
    found = decode(encoded(Image.fromarray(pixels), "PNG"), 15, 3)
    apart = np.abs(found.astype(int) - expected)[:, 2:-2]  # beyond it the filter sees more
    assert apart.max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_stand_upright_as_pil_has_them(orientation):
    image = Image.fromarray(DRAW.integers(0, 256, (16, 24, 3), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(image, "PNG", exif=exif)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    found = decode(content, 16, 3)
    assert (found == decode(encoded(upright, "PNG"), 16, 3)).all()
    assert upright_size(content) == upright.size


def test_a_large_jpeg_is_decoded_at_a_fraction_of_its_size_and_looks_the_same():
    pixels = smooth(640, 800)
    content = encoded(Image.fromarray(pixels), "JPEG", quality=95)
    whole = Image.open(io.BytesIO(content)).crop((80, 0, 720, 640))
    expected = np.asarray(whole.resize((32, 32), Image.Resampling.LANCZOS)).astype(int)
    assert np.abs(decode(content, 32, 3) - expected).max() <= 3


def test_transparency_lies_on_white():
    pixels = np.zeros((4, 4, 4), np.uint8)
    pixels[:2] = [255, 0, 0, 255]
    found = decode(encoded(Image.fromarray(pixels, "RGBA"), "PNG"), 4, 3)
    assert (found[:2] == [255, 0, 0]).all()
    assert (found[2:] == 255).all()
    palette = Image.fromarray(np.array([[0, 1], [1, 0]], np.uint8), "P")
    palette.putpalette([10, 20, 30, 40, 50, 60])
    found = decode(encoded(palette, "PNG", transparency=1), 2, 3)
    assert found.tolist() == [[[10, 20, 30], [255] * 3], [[255] * 3, [10, 20, 30]]]


def test_cmyk_grey_and_sixteen_bits():
    cmyk = Image.fromarray(smooth(16, 16)).convert("CMYK")
    expected = np.asarray(cmyk.convert("RGB")).astype(int)
    found = decode(encoded(cmyk, "JPEG", quality=100, subsampling=0), 16, 3)
    assert np.abs(found - expected).max() <= 12
    grey = DRAW.integers(0, 256, (8, 8), np.uint8)
    content = encoded(Image.fromarray(grey), "PNG")
    assert (decode(content, 8, 3) == grey[..., None]).all()
    assert (decode(content, 8, 1)[..., 0] == grey).all()
    deep = Image.fromarray(grey.astype(np.uint16) * 257)
    assert (decode(encoded(deep, "PNG"), 8, 1)[..., 0] == grey).all()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_what_is_cut_short_or_no_image_says_so(kind):
    content = encoded(Image.fromarray(DRAW.integers(0, 256, (64, 64, 3), np.uint8)), kind)
    decode(content, 8, 3)
    for broken in (content[: len(content) // 2], b"", b"no image"):
        with pytest.raises(Undecodable):
            decode(broken, 8, 3)
    with pytest.raises(Undecodable, match="float32, not uint8"):
        decode(np.zeros((8, 8, 3), np.float32), 8, 3)
