"""Training and sampling cost together: a closed form without samples, calculus with them."""

import numpy as np
import pytest

from analysis import Unsupported
from analysis.laws import find
from analysis.scale import forward_of, lifetime, per_parameter
from analysis.uncertainty.bootstrap import Replicates
from tests.analysis.surfaces import CHINCHILLA

COST = per_parameter(6.0)
FORWARD = forward_of(COST, 1.0)


def cheapest(images, loss=2.2, evaluations=50, replicates=None):
    return lifetime(CHINCHILLA, replicates, COST, FORWARD, loss=loss, images=images,
                    evaluations=evaluations)  # fmt: skip


def test_without_samples_it_is_the_compute_optimal_model_of_that_loss():
    """At the optimum L - E = (1 + alpha / beta) A N^-alpha."""
    found = cheapest(0.0)
    expected = ((1 + 0.34 / 0.28) * 406.4 / (2.2 - 1.69)) ** (1 / 0.34)
    assert found.size.value == pytest.approx(expected, rel=1e-6)
    assert found.size.value == pytest.approx(found.training_only.value, rel=1e-6)
    assert found.saved == pytest.approx(0, abs=1e-12)


def test_samples_make_the_best_model_smaller_and_longer_trained():
    found = [cheapest(images) for images in (0, 1e8, 1e10, 1e12)]
    sizes, steps = ([getattr(f, n).value for f in found] for n in ("size", "steps"))
    assert (np.diff(sizes) < 0).all() and (np.diff(steps) > 0).all()
    assert all(f.saved >= 0 for f in found) and found[-1].saved > 0.1
    assert "times the size that training alone would choose" in found[-1].sentence()


@pytest.mark.parametrize("images", [1e8, 1e11])
def test_the_slope_of_the_total_is_zero_there(images):
    """d/dN of 6 N S(N) + images * evaluations * 2 N, with dS/dN from the law by hand."""
    found, p = cheapest(images), CHINCHILLA
    n, s = found.size.value, found.steps.value
    slope_s = -s * (p["alpha"] * p["A"] * n ** -p["alpha"] / n) / (
        p["beta"] * p["B"] * s ** -p["beta"]
    )  # fmt: skip
    parts = np.array([6 * s, 6 * n * slope_s, images * 50 * 2])
    assert parts.sum() == pytest.approx(0, abs=1e-6 * np.abs(parts).max())
    assert p["E"] + p["A"] * n ** -p["alpha"] + p["B"] * s ** -p["beta"] == pytest.approx(2.2)


def test_replicates_give_the_interval_and_those_that_cannot_reach_it_are_counted():
    base = np.array([[CHINCHILLA[name] for name in find("joint").parameters]])
    rows = np.repeat(base, 4, axis=0)
    rows[:, 0] = [1.60, 1.69, 1.75, 2.30]
    drawn = Replicates(
        law=find("joint"), method="cases", parameters=rows, seed_deviation=np.zeros(4),
        rung_deviation=np.zeros(4), stuck=0.0, at_bounds={},
    )  # fmt: skip
    found = cheapest(1e9, replicates=drawn)
    assert found.size.low < found.size.value < found.size.high
    assert found.unreachable == 0.25 and "In 25% of refits" in found.sentence()


def test_a_loss_below_the_floor_is_refused():
    with pytest.raises(Unsupported, match=r"the law's floor is 1\.69"):
        cheapest(1e9, loss=1.6)


def test_a_replicate_whose_least_size_underflows_stays_finite():
    """With alpha = 0.0005 the size that reaches the loss in endless steps is below 1e-1000."""
    base = [CHINCHILLA[name] for name in find("joint").parameters]
    rows = np.array([base, base])
    for name, value in (("A", 0.01), ("alpha", 5e-4)):
        rows[1, find("joint").parameters.index(name)] = value
    drawn = Replicates(
        law=find("joint"), method="cases", parameters=rows, seed_deviation=np.zeros(2),
        rung_deviation=np.zeros(2), stuck=0.0, at_bounds={},
    )  # fmt: skip
    found = cheapest(1e9, replicates=drawn)
    assert 0 < found.size.low < found.size.high and np.isfinite(found.total.high)
