"""The Frechet distance against closed forms, scipy's matrix root, and its own bias."""

from functools import reduce

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.linalg import sqrtm

from scaling.measure.distances.frechet import frechet, gaussian
from scaling.measure.distances.infinite import frechet_infinite
from scaling.measure.distances.influence import frechet_distance, transport
from scaling.measure.distances.moments import Moments, merged, moments, weighted


def population(mean, covariance, count=10**9):
    """Moments of a known Gaussian."""
    return Moments(count=count, mean=mean, scatter=covariance * (count - 1))


def textbook(x, y):
    s, t = np.cov(x.T), np.cov(y.T)
    root = np.trace(sqrtm(s @ t)).real
    return ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(s) + np.trace(t) - 2 * root


def correlated(rng, count, dimension, scale=1.0, shift=0.0):
    mixing = np.random.default_rng(9).normal(size=(dimension, dimension)) / dimension**0.5
    return rng.normal(size=(count, dimension)) @ mixing * scale + shift


def test_one_dimension_by_hand():
    a = population(np.array([1.0]), np.array([[4.0]]))
    b = population(np.array([3.0]), np.array([[9.0]]))
    assert_allclose(frechet(gaussian(a), gaussian(b)), (1 - 3) ** 2 + (2 - 3) ** 2)


def test_commuting_covariances_have_a_closed_form():
    rng = np.random.default_rng(0)
    rotation, _ = np.linalg.qr(rng.normal(size=(40, 40)))
    s, t, apart = rng.uniform(0.1, 3, 40), rng.uniform(0.1, 3, 40), rng.normal(size=40)
    a = population(np.zeros(40), rotation * s @ rotation.T)
    b = population(apart, rotation * t @ rotation.T)
    truth = (apart**2).sum() + ((s**0.5 - t**0.5) ** 2).sum()
    assert_allclose(frechet(gaussian(a), gaussian(b)), truth, rtol=1e-9)


@pytest.mark.parametrize(("n", "m"), [(400, 300), (30, 300), (400, 25), (20, 30), (50, 51)])
def test_fewer_samples_than_dimensions_or_more_it_is_the_textbook_value(n, m):
    rng = np.random.default_rng(n + m)
    x, y = correlated(rng, n, 50), correlated(rng, m, 50, 1.2, 0.1)
    assert_allclose(frechet(gaussian(x), gaussian(y)), textbook(x, y), rtol=1e-6)
    assert_allclose(
        frechet(gaussian(x), gaussian(y)),
        frechet(gaussian(moments(x)), gaussian(moments(y))),
        rtol=1e-6,
    )


def test_a_dead_feature_is_no_obstacle():
    rng = np.random.default_rng(3)
    x, y = correlated(rng, 90, 8), correlated(rng, 80, 8, 1.5)
    pad = [(0, 0), (0, 2)]
    padded = frechet_distance(np.pad(x, pad), np.pad(y, pad))
    plain = frechet_distance(x, y)
    assert_allclose(
        [padded.value, padded.low, padded.high], [plain.value, plain.low, plain.high], rtol=1e-6
    )


def test_order_and_blocks_do_not_matter():
    rng = np.random.default_rng(4)
    x = (100 + correlated(rng, 1000, 12)).astype(np.float32)
    whole, parts = moments(x), reduce(merged, map(moments, np.array_split(x[::-1], 7)))
    assert_allclose(parts.mean, whole.mean, rtol=1e-12)
    assert_allclose(parts.scatter, whole.scatter, rtol=1e-9, atol=1e-7)
    assert_allclose(whole.covariance, np.cov(x.astype(float).T), rtol=1e-9)
    again = merged(moments(x[:1]), moments(x[1:]))
    assert_allclose(again.scatter, whole.scatter, rtol=1e-9, atol=1e-7)


@pytest.mark.parametrize("shape", [(40, 12), (10, 12)])
def test_the_interval_is_that_of_a_jackknife_with_tiny_weights(shape):
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(30, 12)), rng.normal(size=shape) * 1.3 + 0.2

    def weighted(weights):
        weights = weights / weights.sum()
        mean = weights @ y
        rows = (y - mean) * (weights * shape[0] / (shape[0] - 1))[:, None] ** 0.5
        values = np.linalg.eigvalsh(rows.T @ rows).clip(0)
        a = gaussian(x)
        cross = np.linalg.svd(a.factor.T @ rows.T, compute_uv=False).sum()
        return ((a.mean - mean) ** 2).sum() + a.trace + values.sum() - 2 * cross

    step, even = 1e-5, np.ones(shape[0])
    slopes = [
        (weighted(even + step * unit) - weighted(even - step * unit)) / (2 * step)
        for unit in np.eye(shape[0])
    ]
    found = transport(gaussian(x), gaussian(y)).slopes_b(y) / shape[0]
    found -= found.mean()
    assert_allclose(found, slopes - np.mean(slopes), rtol=1e-3, atol=1e-4 * np.abs(found).max())


def test_the_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(6)
    scale, count, draws = np.linspace(0.5, 1.5, 5), 3000, 200
    truth = 0.3**2 * 5 + (0.2**2) * (scale**2).sum()
    reference = population(np.zeros(5), np.diag(scale**2))
    hits = 0
    for _ in range(draws):
        y = 0.3 + rng.normal(size=(count, 5)) * scale * 1.2
        found = frechet_distance(reference, y)
        hits += found.low <= truth <= found.high
    assert 0.9 <= hits / draws <= 0.985


@pytest.mark.parametrize(
    ("dimension", "count"),
    [
        (16, 500),
        (32, 2000),
        pytest.param(128, 10_000, marks=pytest.mark.slow),
        pytest.param(256, 2000, marks=pytest.mark.slow),
    ],
)
def test_the_limit_is_unbiased_where_the_plain_value_is_not(dimension, count):
    rng = np.random.default_rng(dimension + count)
    truth = 0.1**2 * dimension + 0.1**2 * dimension
    limits, plain = [], []
    for _ in range(20):
        x = rng.normal(size=(count, dimension))
        found = frechet_infinite(x, 0.1 + 1.1 * rng.normal(size=(count, dimension)))
        limits.append(found.limit.value)
        plain.append(found.values[0])
        assert found.resolved
    error = np.std(limits, ddof=1) / 20**0.5
    assert abs(np.mean(limits) - truth) < 2.5 * error + 0.002 * truth
    assert np.mean(plain) - truth > 5 * abs(np.mean(limits) - truth)


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.parametrize(("count", "draws"), [(10_000, 5), (500, 20)])
def test_the_limit_s_interval_holds_the_truth_in_2048_dimensions(count, draws):
    """Features of the size of Inception's, by a spectrum that falls like theirs."""
    rng, dimension = np.random.default_rng(count), 2048
    scale = np.arange(1, dimension + 1, dtype=np.float32) ** -0.25
    truth = 0.1**2 * dimension + 0.1**2 * (scale.astype(float) ** 2).sum()
    found = []
    for _ in range(draws):
        x, y = rng.normal(size=(2, count, dimension)).astype(np.float32) * scale
        found.append(frechet_infinite(x, (0.1 + 1.1 * y).astype(np.float32)))
    assert all(item.resolved == (count // 3 >= dimension) for item in found)
    assert np.mean([item.limit.low <= truth <= item.limit.high for item in found]) >= 0.8
    if count // 3 >= dimension:
        assert np.mean([item.limit.value for item in found]) == pytest.approx(truth, rel=0.01)
    assert min(item.values[0] for item in found) > truth


@pytest.mark.parametrize(
    ("dimension", "count"), [(16, 500), pytest.param(64, 600, marks=pytest.mark.slow)]
)
def test_the_slope_is_what_more_samples_take_off(dimension, count):
    """Over twice as many samples: FD(n) - FD(2n) = slope / (2n), to second order."""
    rng = np.random.default_rng(dimension)
    slopes, fallen = [], []
    for _ in range(40):
        x, y = rng.normal(size=(2, 2 * count, dimension))
        y = 0.1 + 1.1 * y
        slopes.append(frechet_infinite(x[:count], y[:count]).slope)
        apart = [frechet(gaussian(x[i::2]), gaussian(y[i::2])) for i in range(2)]
        fallen.append(np.mean(apart) - frechet(gaussian(x), gaussian(y)))
    truth = 2 * count * np.mean(fallen)
    assert np.mean([s.value for s in slopes]) == pytest.approx(truth, rel=0.06)
    assert np.mean([s.low <= truth <= s.high for s in slopes]) >= 0.85
    reach = np.sqrt(np.mean([((s.high - s.value) / 4.3027) ** 2 for s in slopes]))
    assert 0.75 < reach / np.std([s.value for s in slopes], ddof=1) < 1.35


def test_too_few_samples_for_the_limit_are_said_and_the_interval_still_holds_it():
    rng = np.random.default_rng(8)
    spectrum = 1 / np.arange(1, 301)
    x = rng.normal(size=(200, 300)) * spectrum**0.5
    y = rng.normal(size=(220, 300)) * (1.3 * spectrum) ** 0.5
    found = frechet_infinite(x, y)
    assert not found.resolved
    assert found.limit.low <= (1.3**0.5 - 1) ** 2 * spectrum.sum() <= found.limit.high


def test_equal_populations_have_the_limit_zero():
    rng = np.random.default_rng(7)
    found = [
        frechet_infinite(rng.normal(size=(600, 20)), rng.normal(size=(600, 20)), seed=s)
        for s in range(30)
    ]
    values = np.array([f.limit.value for f in found])
    assert abs(values.mean()) < 3 * values.std(ddof=1) / 30**0.5 + 0.01
    assert min(f.values[0] for f in found) > 0.2


@pytest.mark.parametrize(("decay", "apart"), [(1.0, 0.001), (2.0, 0.3)])
def test_float32_products_keep_six_digits_and_are_left_where_they_would_not(decay, apart):
    """Rectified features off zero; those of the steep spectrum all but determine one another."""
    rng = np.random.default_rng(11)
    turn, _ = np.linalg.qr(rng.normal(size=(512, 512)))
    spread = np.arange(1, 513)[:, None] ** (-decay / 2) * turn
    x, y = (
        (np.maximum(rng.normal(size=(1500, 512)) @ spread * scale, 0) + 0.5).astype(np.float32)
        for scale in (1.0, 1.0 + apart)
    )
    exact = frechet(gaussian(moments(x)), gaussian(moments(y)))
    assert_allclose(frechet(gaussian(x), gaussian(y)), exact, rtol=5e-7)


def test_weights_are_copies():
    rng = np.random.default_rng(12)
    x, copies = rng.normal(size=(40, 6)), rng.integers(0, 4, size=40)
    found, plain = weighted(x, copies.astype(float)), x.repeat(copies, axis=0)
    assert_allclose(found.mean, plain.mean(axis=0))
    assert_allclose(found.scatter / found.count, np.cov(plain.T, ddof=0), rtol=1e-9)
    assert_allclose(found.covariance, np.cov(x.T, aweights=copies), rtol=1e-9)
