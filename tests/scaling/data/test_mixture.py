import numpy as np
import pytest

from scaling.config.data import MixtureData
from scaling.data.mixture import MEAN_RMS, draw, means, smoothing


def test_means_are_pinned():
    # Numpy's generator and rounding: the same numbers on every machine and with every jax.
    assert means(MixtureData())[0, 0, :4, 0].tolist() == [
        0.427490234375,
        0.4912109375,
        0.2060546875,
        -0.090576171875,
    ]


def test_means_have_the_stated_scale():
    fields = means(MixtureData(components=500))
    assert np.sqrt(np.mean(fields**2)) == pytest.approx(MEAN_RMS, abs=1e-3)
    images = draw(MixtureData(), "held_out", 4000, 0).images
    assert images.std() == pytest.approx(0.54, abs=0.03)
    assert (np.abs(images) < 1.1).mean() > 0.95


@pytest.mark.parametrize("length", [1.0, 1.5, 4.0])
def test_means_are_correlated_as_promised(length):
    rows = smoothing(8, length)
    distance = np.arange(8)[:, None] - np.arange(8)
    np.testing.assert_allclose(rows @ rows.T, np.exp(-(distance**2) / (2 * length**2)), atol=0.02)
    fields = means(MixtureData(components=4096, smoothness=length)).reshape(4096, 8, 8)
    neighbours = np.mean(fields[:, 1:] * fields[:, :-1]) / np.mean(fields**2)
    assert neighbours == pytest.approx(np.exp(-1 / (2 * length**2)), abs=0.03)


def test_draws_are_their_component_plus_noise():
    config = MixtureData(deviation=0.05)
    images, component = draw(config, "train", 3000, 1)
    residuals = images - means(config)[component]
    assert residuals.std() == pytest.approx(0.05, rel=0.02)
    assert np.bincount(component, minlength=32).min() > 50


def test_seeds_streams_and_mixtures_differ():
    base = draw(MixtureData(), "train", 10, 0).images
    for other in (
        draw(MixtureData(), "train", 10, 1),
        draw(MixtureData(), "held_out", 10, 0),
        draw(MixtureData(seed=1), "train", 10, 0),
    ):
        assert not np.isclose(base, other.images).all((1, 2, 3)).any()
