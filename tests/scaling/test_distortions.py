"""Images that get worse, and whether metrics notice."""

import numpy as np
import pytest

from benchmarks.distortions import blurred, compressed, noisy, responses, table, thinned

SMOOTH = np.add.outer(np.arange(8), np.arange(8))[None, :, :, None] * np.ones((1, 1, 1, 3))


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    shades = rng.uniform(0, 16, size=(80, 1, 1, 3)) * SMOOTH
    return np.clip(np.round(shades), 0, 255).astype(np.uint8)


def test_the_mildest_distortions_change_nothing_or_little(images):
    for distort, strength in ((blurred, 0), (noisy, 0), (thinned, 1.0)):
        np.testing.assert_array_equal(distort(images, strength), images)
    assert np.abs(compressed(images, 100).astype(int) - images).mean() < 2


def test_each_distortion_does_what_it_says(images):
    assert len(np.unique(thinned(images, 0.1), axis=0)) == 8
    apart = noisy(np.full((50, 8, 8, 3), 128, np.uint8), 10.0) - 128.0
    assert abs(apart.std() - 10) < 0.5
    spike = np.zeros((1, 9, 9, 3), np.uint8)
    spike[0, 4, 4] = 255
    spread = blurred(spike, 1.0)[0, :, :, 0] / 255
    assert spread[4, 4] == pytest.approx(1 / (2 * np.pi), abs=0.03)  # the Gaussian's peak
    assert spread.sum() == pytest.approx(1, abs=0.1)


def test_metrics_of_pixels_notice_noise_and_lost_images(images):
    def pixels(some):
        return some[:, ::4, ::4].reshape(len(some), -1).astype(np.float32)

    found = responses(images, pixels, ("fd", "kid", "coverage"))
    told = {(item.metric, item.distortion): item for item in found}
    assert told["fd", "noise, levels"].monotone
    assert told["kid", "noise, levels"].told != "no"
    values = [item.value for item in told["coverage", "images left"].values]
    assert values[0] > values[-1]
    assert told["coverage", "images left"].told != "no"
    assert table(found).count("\n") == 1 + len(found) == 13
