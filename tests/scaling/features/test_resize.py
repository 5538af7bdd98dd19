"""Each network's own way from an image to the square that it takes."""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from scaling.measure.features.resize import (
    bicubic,
    cropped_bicubic,
    padded_bicubic,
    tensorflow_bilinear,
)

IMAGE = np.random.default_rng(1).integers(0, 256, size=(50, 37, 3), dtype=np.uint8)


def test_bicubic_is_pillows_of_each_channel_in_floats():
    small = bicubic(IMAGE, 20)
    assert small.dtype == np.float32
    assert (small >= 0).all()
    assert (small <= 255).all()
    eight_bits = np.asarray(Image.fromarray(IMAGE).resize((20, 20), Image.Resampling.BICUBIC))
    assert_allclose(small, eight_bits, atol=1.01)
    assert (small != small.round()).any()
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
