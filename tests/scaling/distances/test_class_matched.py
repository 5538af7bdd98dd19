"""Class-matched Frechet distances of mixtures whose classes and histograms are known."""

import numpy as np
import pytest

from scaling.measure.distances.class_matched import class_matched, matching
from scaling.measure.distances.frechet import frechet, gaussian
from scaling.measure.distances.influence import frechet_distance
from scaling.measure.distances.moments import Moments

CENTRES = np.random.default_rng(1).normal(size=(5, 12)) * 1.5
REAL, OTHER = np.array([0.3, 0.3, 0.2, 0.1, 0.1]), np.array([0.1, 0.1, 0.2, 0.3, 0.3])


def drawn(rng, count, shares, shift=0.0):
    """Features and logits."""
    classes = rng.choice(5, size=count, p=shares)
    return CENTRES[classes] + shift + rng.normal(size=(count, 12)), np.eye(5)[classes]


def population(shares, shift=0.0):
    mean = shares @ CENTRES
    covariance = (CENTRES - mean).T @ ((CENTRES - mean) * shares[:, None]) + np.eye(12)
    return gaussian(Moments(count=10**9, mean=mean + shift, scatter=covariance * (10**9 - 1)))


@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_what_is_only_the_histogram_goes_and_what_is_not_stays(shift):
    before = frechet(population(REAL), population(OTHER, shift))
    after = frechet(population(REAL), population(REAL, shift))
    found, same = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        (x, of_x), (y, of_y) = drawn(rng, 1500, REAL), drawn(rng, 1500, OTHER, shift)
        found.append(class_matched(x, y, of_x, of_y, seed=seed))
        same.append(frechet_distance(x, drawn(rng, 700, REAL, shift)[0]).value)
    part = np.array([item.histogram.value for item in found])
    assert abs(part.mean() - (before - after)) < 3 * part.std(ddof=1) / 40**0.5 + 0.02 * before
    assert np.mean([i.histogram.low <= before - after <= i.histogram.high for i in found]) >= 0.85
    matched = np.array([item.fd.value for item in found])
    assert matched.mean() < 0.15 + after * 1.05
    assert abs(matched.mean() - np.mean(same)) < 0.1
    told = [(item.fd.high - item.fd.value) / 1.96 for item in found]
    assert 0.6 < np.mean(told) / matched.std(ddof=1) < 1.6


def test_equal_histograms_have_nothing_to_match():
    rng = np.random.default_rng(3)
    (x, of_x), (y, of_y) = drawn(rng, 2000, REAL), drawn(rng, 2000, REAL, 0.3)
    found = class_matched(x, y, of_x, of_y)
    assert abs(found.histogram.value) < 0.1 * found.fd.value
    assert found.effective > 1900
    assert (found.classes, found.unmatched) == (5, 0)


def test_weights_by_hand_and_classes_that_cannot_be_matched():
    weights, unmatched = matching(np.array([0, 0, 0, 1, 2]), np.array([0, 1, 1, 3]))
    assert unmatched == 0.2
    np.testing.assert_allclose(weights, np.array([3, 0.5, 0.5, 0]))
    with pytest.raises(ValueError, match="no class is seen in both sets"):
        matching(np.array([0, 0]), np.array([1, 1]))
    x = np.random.default_rng(4).normal(size=(40, 3))
    first = np.tile([[1.0, 0.0]], (40, 1))
    but_one = first[:, ::-1].copy()
    but_one[0] = [1.0, 0.0]
    with pytest.raises(ValueError, match=r"are worth only 1\.0"):
        class_matched(x, x, first, but_one)
