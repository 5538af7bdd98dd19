"""Precision and its kin, the inception score, sliced Wasserstein and the test of Gaussianity."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import wasserstein_distance

from scaling.measure.distances.estimate import bootstrap
from scaling.measure.distances.gaussianity import gaussianity
from scaling.measure.distances.inception_score import inception_score
from scaling.measure.distances.metrics import BEYOND, Pair, measure
from scaling.measure.distances.neighbours import manifolds
from scaling.measure.distances.shape import beyond_gaussian
from scaling.measure.distances.sliced import potentials, sliced_wasserstein, wasserstein_squared


def values(found):
    return [getattr(found, n).value for n in ("precision", "recall", "density", "coverage")]


def test_manifolds_by_hand():
    # Third neighbours on the line of ten integers reach 2 inside and 3 at the ends, fifth ones
    # 3 inside and 5 at the ends.
    real = np.arange(10.0)[:, None]
    far = 100 + np.arange(10.0)[:, None]
    assert values(manifolds(real, far)) == [0, 0, 0, 0]
    same = manifolds(real, real)
    assert values(same)[:2] == [1, 1]
    assert values(same)[3] == 1
    half = np.concatenate([real[:5] + 0.25, far[:5]])
    assert manifolds(real, half).precision.value == 0.5


def brute(real, fake, k):
    apart = lambda a, b: np.linalg.norm(a[:, None] - b, axis=2)  # noqa: E731
    return np.sort(apart(real, real), axis=1)[:, k], apart(real, fake)


def test_manifolds_against_all_pairs(monkeypatch):
    monkeypatch.setattr("scaling.measure.distances.neighbours.ROWS_AT_ONCE", 16)
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(60, 3)), rng.normal(size=(50, 3)) * 0.8 + 0.7
    three, across = brute(real, fake, 3)
    five, _ = brute(real, fake, 5)
    fakes, _ = brute(fake, real, 3)
    inside = across <= five[:, None]
    expected = [
        (across <= three[:, None]).any(0).mean(),
        (across <= fakes).any(1).mean(),
        inside.sum() / (5 * 50),
        inside.any(1).mean(),
    ]
    assert_allclose(values(manifolds(real, fake)), expected)
    again = manifolds(rng.permutation(real).astype(np.float32), fake)
    assert_allclose(values(again), expected)


def test_the_inception_score_of_certainty_and_of_ignorance():
    sure = 1000 * np.eye(7)
    assert_allclose(inception_score(sure).value, 7)
    assert_allclose(inception_score(sure[:1].repeat(5, 0)).value, 1)
    assert_allclose(inception_score(np.zeros((9, 7))).value, 1)
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(100, 5))
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    divergence = (p * np.log(p / p.mean(0))).sum(1).mean()
    found = inception_score(logits + 50)
    assert_allclose(found.value, np.exp(divergence))
    assert found.low < found.value * 1.01
    assert found.high > found.value


@pytest.mark.parametrize(("n", "m"), [(40, 40), (30, 47)])
def test_one_dimension_is_the_exact_transport(n, m):
    rng = np.random.default_rng(n)
    x, y = rng.normal(size=(n, 3)), rng.normal(size=(m, 3)) + 1
    repeated = (np.sort(x, 0).repeat(m, 0) - np.sort(y, 0).repeat(n, 0)) ** 2
    assert_allclose(wasserstein_squared(x, y), repeated.mean(0))
    assert_allclose(wasserstein_squared(x, x + 2), 4)
    assert wasserstein_squared(x, y)[0] >= wasserstein_distance(x[:, 0], y[:, 0]) ** 2


def test_a_shift_is_seen_in_full_by_means_and_a_split_not_at_all():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(4000, 6))
    shift = np.full(6, 2.0)
    found = sliced_wasserstein(x, x + shift)
    assert found.low <= 4.0 <= found.high  # |shift|^2 / d
    corners = rng.choice([-1.0, 1.0], size=(4000, 1))
    beyond = beyond_gaussian(x[:, :1], corners)
    assert beyond is not None
    assert beyond.low > 0.9


@pytest.mark.parametrize("dimension", [1, 4])
def test_the_sliced_distance_s_interval_is_of_samples_too(dimension):
    """Shifted Gaussians: |shift|^2 / d along random directions, of which one dimension has one."""
    rng = np.random.default_rng(3)
    found = [
        sliced_wasserstein(
            rng.normal(size=(200, dimension)), rng.normal(size=(250, dimension)) + 1, count=64
        )
        for _ in range(100)
    ]
    told = np.array([(item.high - item.value) / 1.96 for item in found])
    spread = np.std([item.value for item in found], ddof=1)
    assert 0.88 <= np.mean([item.low <= 1.0 <= item.high for item in found]) <= 1
    assert 0.85 < told.mean() / spread < (1.2 if dimension == 1 else 2.5)


def test_a_potential_says_what_one_sample_more_changes():
    """Weights are counts: every sample a thousand times, and one of them once more."""
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(6, 2)), rng.normal(size=(4, 2)) + 0.5
    many = x.repeat(1000, axis=0)
    before = wasserstein_squared(many, y)
    moved = np.array([wasserstein_squared(np.append(many, [row], axis=0), y) - before for row in x])
    found = potentials(x, y) / (len(many) + 1)
    assert_allclose(moved - moved.mean(0), found - found.mean(0), rtol=0.01, atol=1e-6)


def shares(draw, count=12, samples=400):
    """Of what lies beyond means and variances, for sets against standard Gaussians."""
    found = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        found.append(beyond_gaussian(rng.normal(size=(samples, 10)), draw(rng, (samples, 10))))
    return found


def test_nothing_lies_beyond_two_gaussians_and_that_they_differ_is_seen():
    found = shares(lambda rng, shape: rng.normal(size=shape) * 1.3 + 0.3)
    values = np.array([item.value for item in found])
    assert abs(values.mean()) < 0.01
    assert np.mean([item.low == 0 for item in found]) > 0.8
    same = shares(lambda rng, shape: rng.normal(size=shape))
    assert np.mean([item is None for item in same]) > 0.8


def test_a_share_that_is_averaged_is_not_cut_off_at_zero():
    """Else its mean over sets without any would lie above zero."""
    found = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        x, y = rng.normal(size=(200, 10)), rng.normal(size=(200, 10)) * 1.3 + 0.3
        (share,) = measure(Pair(real=x, generated=y, logits=None), [BEYOND]).values()
        clipped = beyond_gaussian(x, y)
        assert clipped is not None and clipped.value == max(share.value, 0)
        found.append(share.value)
    assert min(found) < 0 < max(found)
    assert abs(np.mean(found)) < 0.01


def test_all_lies_beyond_sets_with_the_same_moments():
    def two_sizes(rng, shape):
        size = rng.choice([0.2, 1.96**0.5], size=(shape[0], 1))
        return rng.normal(size=shape) * size

    found = [item for item in shares(two_sizes) if item is not None]
    assert len(found) > 9
    assert np.mean([item.value for item in found]) > 0.9
    assert np.mean([item.high == 1 for item in found]) > 0.8


def test_gaussian_features_pass_at_the_nominal_rate():
    rng = np.random.default_rng(3)
    mixing = rng.normal(size=(20, 20)) * np.logspace(0, -3, 20)
    p = [
        gaussianity(rng.normal(size=(60, 20)) @ mixing + 5, simulations=39, seed=s).p_value
        for s in range(300)
    ]
    assert 0.02 <= np.mean(np.array(p) <= 0.05) <= 0.085
    assert abs(np.mean(p) - 0.5) < 0.06


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng, shape: rng.exponential(size=shape),
        lambda rng, shape: rng.standard_t(4, size=shape),
        lambda rng, shape: rng.normal(size=shape) * rng.choice([1, 3], size=(shape[0], 1)),
    ],
)
def test_others_are_rejected(draw):
    assert gaussianity(draw(np.random.default_rng(4), (2000, 20))).p_value <= 0.01


def test_features_without_spread_are_said():
    with pytest.raises(ValueError, match="no spread"):
        gaussianity(np.ones((100, 8)))
    with pytest.raises(ValueError, match="too few"):
        gaussianity(np.random.default_rng(0).normal(size=(8, 8)))


def test_the_bootstrap_of_a_mean_covers_as_it_says():
    rng = np.random.default_rng(5)
    found = [bootstrap(lambda x: float(x.mean()), rng.normal(size=80)) for _ in range(200)]
    assert 0.88 <= np.mean([f.low <= 0 <= f.high for f in found]) <= 0.985
