"""Class-matched Frechet distances of mixtures whose classes and histograms are known."""

import numpy as np
import pytest

from scaling.measure.distances.class_matched import class_matched
from scaling.measure.distances.frechet import frechet, gaussian
from scaling.measure.distances.histograms import matching, top
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
    found = matching(np.array([[0], [0], [0], [1], [2]]), np.array([[0], [1], [1], [3]]))
    assert (found.unmatched, found.shared) == (0.2, 2)
    assert found.missed < 1e-12
    np.testing.assert_allclose(found.weights, np.array([3, 0.5, 0.5, 0]))
    with pytest.raises(ValueError, match="no class is seen in both sets"):
        matching(np.array([[0], [0]]), np.array([[1], [1]]))
    with pytest.raises(ValueError, match="of 3 classes has no Top-4"):
        top(np.eye(3), 4)
    x = np.random.default_rng(4).normal(size=(40, 3))
    first = np.tile([[1.0, 0.0]], (40, 1))
    but_one = first[:, ::-1].copy()
    but_one[0] = [1.0, 0.0]
    with pytest.raises(ValueError, match=r"are worth only 1\.0"):
        class_matched(x, x, first, but_one)


def pairs(rng, count, shares):
    """Features and logits of samples that show two of five things, each with its own frequency."""
    keys = np.log(shares) + rng.gumbel(size=(count, 5))
    two = np.argsort(keys, axis=1)[:, -2:]
    logits = rng.uniform(size=(count, 5))
    np.put_along_axis(logits, two, 2 + rng.uniform(size=(count, 2)), axis=1)
    return CENTRES[two].sum(axis=1) + rng.normal(size=(count, 12)), logits


def test_weights_of_the_two_likeliest_classes_match_both_and_are_the_evenest():
    rng = np.random.default_rng(5)
    real, generated = (top(pairs(rng, 3000, shares)[1], 2) for shares in (REAL, OTHER))
    found = matching(real, generated)
    wanted = np.bincount(real.ravel(), minlength=5) / 6000
    shares = np.bincount(generated.ravel(), np.repeat(found.weights, 2), minlength=5) / 6000
    np.testing.assert_allclose(shares, wanted, atol=1e-5)
    # The evenest weights have one factor a class: a linear form in the samples' indicators.
    indicators = np.zeros((3000, 5))
    np.put_along_axis(indicators, generated, 1, axis=1)
    form = indicators @ np.linalg.lstsq(indicators, np.log(found.weights), rcond=None)[0]
    np.testing.assert_allclose(form, np.log(found.weights), atol=1e-6)


def test_two_classes_a_sample_take_the_histogram_off_where_one_does_not():
    """The likeliest of both things is a coin's throw: Top-1 knows half of the histogram."""
    one, two, told = [], [], []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        (x, of_x), (y, of_y) = pairs(rng, 1500, REAL), pairs(rng, 1500, OTHER)
        before = frechet_distance(x, y).value
        one.append(class_matched(x, y, of_x, of_y, seed=seed).fd.value / before)
        found = class_matched(x, y, of_x, of_y, top=2, seed=seed)
        two.append(found.fd.value)
        told.append((found.fd.high - found.fd.value) / 1.96)
        assert found.fd.value < 0.5 * one[-1] * before
    assert 0.6 < np.mean(told) / np.std(two, ddof=1) < 1.6
