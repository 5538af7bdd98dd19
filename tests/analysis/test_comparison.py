"""Two series side by side, against differences that are known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from analysis.comparison import NotCompared, compare
from analysis.selection import Selection

SIZES = {"a": 1e4, "b": 1e5, "c": 1e6}


def selection(shift: float, noise: float, seeds: int, rng: np.random.Generator, protocol="p"):
    """log loss = -0.1 log N + shared seed effect + shift + own noise."""
    rows = [
        {
            "run": f"{rung}{seed}",
            "rung": rung,
            "seed": seed,
            "size": size,
            "steps": 100.0,
            "value": size**-0.1 * np.exp(0.3 * np.sin(seed) + shift + noise * rng.normal()),
            "standard_error": np.nan,
        }
        for rung, size in SIZES.items()
        for seed in range(seeds)
    ]
    return Selection(
        points=pd.DataFrame(rows),
        metric="m",
        weights=None,
        split=None,
        size="parameters",
        protocol=protocol,
        excluded=(),
    )


def test_pairing_removes_what_seeds_share():
    rng = np.random.default_rng(0)
    (found,) = compare(
        ("one", selection(0, 1e-6, 3, rng)), [("two", selection(0.02, 1e-6, 3, rng))], 0.95
    )
    assert found.pairs == 9
    assert found.freedom == 6
    assert_allclose(found.overall.percent, 100 * np.expm1(0.02), rtol=1e-3)
    assert_allclose([d.percent for d in found.rungs.values()], 100 * np.expm1(0.02), rtol=1e-3)
    assert found.overall.clear
    assert "2% higher than one" in found.sentence()


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(1)
    overall, single = 0, 0
    for _ in range(400):
        (found,) = compare(
            ("one", selection(0, 0.01, 3, rng)), [("two", selection(0.02, 0.01, 3, rng))], 0.9
        )
        truth = 100 * np.expm1(0.02)
        overall += found.overall.interval[0] < truth < found.overall.interval[1]
        low, high = found.rungs["b"].interval
        single += low < truth < high
    assert overall / 400 == pytest.approx(0.9, abs=0.04)
    assert single / 400 == pytest.approx(0.9, abs=0.04)


def test_no_difference_is_not_called_one():
    rng = np.random.default_rng(2)
    same = selection(0, 0.01, 2, rng)
    (found,) = compare(("one", same), [("two", same)], 0.95)
    assert not found.overall.clear
    assert "not told apart" in found.sentence()


def test_without_repeats_the_error_is_unknown():
    rng = np.random.default_rng(3)
    (found,) = compare(
        ("one", selection(0, 0.01, 1, rng)), [("two", selection(-0.1, 0.01, 1, rng))], 0.95
    )
    assert np.isnan(found.overall.interval).all()
    assert "no seeds repeat" in found.sentence()
    assert "lower" in found.sentence()


def test_other_protocols_are_not_compared():
    rng = np.random.default_rng(4)
    other = selection(0, 0.01, 2, rng, protocol="q")
    (found,) = compare(("one", selection(0, 0.01, 2, rng)), [("two", other)], 0.95)
    later = selection(0, 0.01, 2, rng)
    later = replace(later, points=later.points.assign(steps=200.0))
    (apart,) = compare(("one", selection(0, 0.01, 2, rng)), [("two", later)], 0.95)
    assert "no step at which all runs of both" in apart.sentence()
    told = "two against one: no comparison rung by rung: their protocols differ (p; q)."
    assert isinstance(found, NotCompared) and found.sentence() == told
