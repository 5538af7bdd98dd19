"""KID and CMMD: by hand, unbiased, and at chance level between equal populations."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from scaling.measure.distances.kernel import CMMD_BANDWIDTH, cmmd, cubic, kid, mmd_squared


def test_two_and_two_numbers_by_hand():
    x, y = np.array([[0.0], [1.0]]), np.array([[2.0], [3.0]])
    within = (0 * 1 + 1) ** 3 + (2 * 3 + 1) ** 3
    across = np.mean([1, 1, 27, 64])
    assert_allclose(kid(x, y).value, within - 2 * across)


def test_cmmd_is_of_directions_alone():
    x, y = np.eye(3) * [[1.0], [2.0], [3.0]], -np.eye(3)
    s = 2 * CMMD_BANDWIDTH**2
    within, across = np.exp(-2 / s), (3 * np.exp(-4 / s) + 6 * np.exp(-2 / s)) / 9
    assert_allclose(cmmd(x, y).value, 1000 * (2 * within - 2 * across), rtol=1e-9)
    # Zero has no direction: it stays, one away from all of length one.
    z = np.concatenate([y, np.zeros((1, 3))])
    near = np.exp(-1 / s)
    of_z, apart = (3 * within + 3 * near) / 6, (9 * across + 3 * near) / 12
    assert_allclose(cmmd(x, z).value, 1000 * (within + of_z - 2 * apart), rtol=1e-9)


def test_blocks_and_order_do_not_matter(monkeypatch):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 4)).astype(np.float32), rng.normal(size=(40, 4)) + 0.5
    whole = kid(x, y)
    monkeypatch.setattr("scaling.measure.distances.kernel.ROWS_AT_ONCE", 7)
    again = kid(x[::-1], rng.permutation(y))
    assert_allclose([again.value, again.low], [whole.value, whole.low], rtol=1e-9)


def test_the_error_is_that_of_leaving_each_sample_out():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(12, 3)), rng.normal(size=(9, 3)) + 1
    variance = 0.0
    for rows, value in (
        (x, lambda keep: mmd_squared(x[keep], y, cubic).value),
        (y, lambda keep: mmd_squared(x, y[keep], cubic).value),
    ):
        every = np.arange(len(rows))
        without = np.array([value(every != i) for i in every])
        variance += (len(rows) - 1) / len(rows) * ((without - without.mean()) ** 2).sum()
    found = kid(x, y)
    assert_allclose((found.high - found.low) / 2, 1.959963984540054 * variance**0.5, rtol=1e-9)


def moment(mean, other):
    """E (x y / d + 1)^3 for x, y ~ N(mean, 1) and N(other, 1), in one dimension."""
    nodes, gauss = np.polynomial.hermite_e.hermegauss(20)
    gauss = gauss / gauss.sum()
    return gauss @ ((mean + nodes)[:, None] * (other + nodes) + 1) ** 3 @ gauss


@pytest.mark.parametrize("apart", [0.0, 0.5])
def test_kid_is_unbiased_and_its_interval_honest(apart):
    truth = moment(0, 0) + moment(apart, apart) - 2 * moment(0, apart)
    rng = np.random.default_rng(2)
    found = [kid(rng.normal(size=(200, 1)), apart + rng.normal(size=(240, 1))) for _ in range(200)]
    values = np.array([f.value for f in found])
    assert abs(values.mean() - truth) < 2 * values.std(ddof=1) / 200**0.5
    assert np.mean([f.low <= truth <= f.high for f in found]) > 0.88


def test_cmmd_is_unbiased():
    rng = np.random.default_rng(3)
    # On the circle of length one, opposite half-planes: x is (1, 0) or (0, 1), y their mirror.
    points = np.eye(2)
    s = 2 * CMMD_BANDWIDTH**2
    within = (1 + np.exp(-2 / s)) / 2
    truth = 1000 * (2 * within - (np.exp(-4 / s) + np.exp(-2 / s)))
    values = np.array([
        cmmd(points[rng.integers(2, size=15)], -points[rng.integers(2, size=20)]).value
        for _ in range(200)
    ])  # fmt: skip
    assert abs(values.mean() - truth) < 2 * values.std(ddof=1) / 200**0.5


def test_large_sets_are_cut_into_subsets_and_nothing_changes_but_noise(monkeypatch):
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(400, 3)), rng.normal(size=(300, 3)) + 0.5
    whole = kid(x, y)
    monkeypatch.setattr("scaling.measure.distances.kernel.SUBSET", 100)
    cut = kid(x, y)
    reach = whole.high - whole.value
    assert abs(cut.value - whole.value) < 0.5 * reach
    assert_allclose(cut.high - cut.value, reach, rtol=0.15)


def test_float32_products_are_precise_enough():
    rng = np.random.default_rng(5)
    x, y = (abs(rng.normal(size=(300, 512)) * s).astype(np.float32) for s in (1, 1.02))
    for metric in (kid, cmmd):
        exact = metric(x.astype(float), y.astype(float))
        found = metric(x, y)
        assert abs(found.value - exact.value) < 1e-3 * (exact.high - exact.value)
        assert_allclose(found.high - found.low, exact.high - exact.low, rtol=1e-3)
