"""Each network's own way from an image to the square that it takes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from scaling.data import assets
from scaling.measure.features.resize import (
    bicubic,
    cropped_bicubic,
    padded_bicubic,
    tensorflow_bilinear,
)

IMAGE = np.random.default_rng(1).integers(0, 256, size=(50, 37, 3), dtype=np.uint8)


def weights(old, new):
    """Keys's kernel (1981, a = -1/2) at old pixels' centres, as much wider as an image shrinks."""
    wide = max(old / new, 1.0)
    middle = (np.arange(new)[:, None] + 0.5) * old / new
    x = np.abs(np.arange(old) + 0.5 - middle) / wide
    near = (1.5 * x - 2.5) * x**2 + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    found = np.where(x < 1, near, np.where(x < 2, far, 0))
    return found / found.sum(axis=1, keepdims=True)


EMOJI = assets.read("emoji.npz", ["images"])[0][::900]


@pytest.mark.parametrize("size", [299, 224, 20])
def test_bicubic_is_keys_s_kernel_on_every_channel_in_float32(size):
    for image in (IMAGE, *EMOJI):
        height, width = image.shape[:2]
        rows = np.einsum("jw,hwc->hjc", weights(width, size), image.astype(float))
        rows = rows.astype(np.float32).astype(float)  # across first, and kept in float32
        expected = np.einsum("ih,hjc->ijc", weights(height, size), rows).clip(0, 255)
        found = bicubic(image, size)
        assert found.dtype == np.float32
        assert_allclose(found, expected, rtol=1e-6, atol=1e-5)


def test_a_flat_image_stays_and_stripes_become_their_mean():
    flat = np.full((31, 45, 3), 77, np.uint8)
    assert_allclose(bicubic(flat, 224), 77, atol=1e-4)
    # A filter that grew: the mean of a fine pattern stays, where point sampling would lose it.
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 200
    assert_allclose(bicubic(stripes, 8)[2:-2, 2:-2], 100, atol=3)


def test_tensorflows_bilinear_starts_at_the_corner_and_takes_single_pixels():
    ramp = np.zeros((2, 2, 3), np.uint8)
    ramp[:, 1] = 10
    assert_allclose(tensorflow_bilinear(ramp, 4)[..., 0], [[0, 5, 10, 10]] * 4)
    turned = tensorflow_bilinear(ramp.swapaxes(0, 1), 4)
    assert_allclose(turned, tensorflow_bilinear(ramp, 4).swapaxes(0, 1))
    halved = tensorflow_bilinear(IMAGE[:40, :20], 20)
    assert_allclose(halved, IMAGE[:40:2, :20])
    assert_allclose(tensorflow_bilinear(IMAGE[:30, :30], 30), IMAGE[:30, :30])


def test_clips_crop_is_the_middle_of_the_shorter_side():
    square = cropped_bicubic(IMAGE[:37], 20)
    whole = Image.fromarray(IMAGE[:37]).resize((20, 20), Image.Resampling.BICUBIC)
    assert_array_equal(square, np.asarray(whole))
    tall = np.zeros((40, 20, 3), np.uint8)
    tall[10:30] = 200
    assert_allclose(cropped_bicubic(tall, 20), 200)
    assert cropped_bicubic(tall.swapaxes(0, 1), 10).shape == (10, 10, 3)
    assert cropped_bicubic(IMAGE, 224).shape == (224, 224, 3)


def test_hps_s_square_has_the_whole_image_in_its_middle():
    tall = np.full((40, 20, 3), 90, np.uint8)
    found = padded_bicubic(tall, 30)
    assert_allclose(found[:, 7:22], 90, rtol=1e-6)
    assert (found[:, :7] == 0).all() and (found[:, 22:] == 0).all()
    assert_allclose(padded_bicubic(tall.swapaxes(0, 1), 30), found.swapaxes(0, 1), rtol=1e-6)
    square = IMAGE[:37]
    assert_allclose(padded_bicubic(square, 50).clip(0, 255), bicubic(square, 50))
    assert padded_bicubic(square, 50).min() < 0  # nothing is clipped
