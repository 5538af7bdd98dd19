"""Distances of given features, and the resize before them, against the public packages."""

import numpy as np
import pytest

from scaling.data import assets
from scaling.measure.distances.influence import frechet_distance
from scaling.measure.distances.kernel import kid
from scaling.measure.features.resize import bicubic

PACKAGES = ("pytorch-fid", "clean-fid", "torch-fidelity")


def rectified(count, dimension, seed, scale):
    """Correlated and off zero, like a network's, variances along axes falling as 1/k."""
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(dimension, dimension)))
    spread = np.arange(1, dimension + 1)[:, None] ** -0.5 * turn * scale
    rows = np.random.default_rng(seed).normal(size=(count, dimension)) @ spread
    return np.maximum(rows, 0).astype(np.float32)


@pytest.mark.parametrize(
    ("count", "other", "dimension"), [(500, 400, 32), (900, 900, 128), (2500, 2000, 600)]
)
def test_a_distance_of_given_features_is_the_public_packages(reference, count, other, dimension):
    x, y = rectified(count, dimension, 1, 1.0), rectified(other, dimension, 2, 1.2)
    theirs = reference("reference_frechet", {"x": x, "y": y})
    ours = frechet_distance(x, y).value
    for package in PACKAGES:
        assert ours == pytest.approx(float(theirs[package]), rel=1e-6), package
    for name, value in theirs.items():
        if name.startswith("kid"):
            assert kid(x, y).value == pytest.approx(float(value), rel=1e-6), name


def test_the_clean_resize_is_clean_fids_to_the_last_bit(reference):
    """On photographs and drawings; both interpreters may have other versions of Pillow."""
    emoji = assets.read("emoji.npz", ["images"])[0][::600]
    given = {f"emoji {i}": image for i, image in enumerate(emoji)}
    sizes = [299, 224, 16]
    theirs = reference("reference_frechet", given, sizes=sizes)
    images = {name: image for name, image in theirs.items() if "/" not in name}
    assert len(images) == 10 + len(emoji)
    for name, image in images.items():
        for size in sizes:
            np.testing.assert_array_equal(bicubic(image, size), theirs[f"{name}/{size}"])
