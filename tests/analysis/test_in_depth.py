"""What a report adds to the fits: two tables compared, and reasons for what cannot be said."""

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.in_depth import in_depth
from analysis.report import render
from scaling.cli.answer import answer

SETTINGS = analysis.FitSettings(bootstrap=100, laws=("power",), hold_out=0)


def runs(name, *, better=1.0, per_size=6.0, steps=(1000,), **labels):
    """Six sizes of two seeds on 0.3 + 8 (better N)^-0.35 at step 1000, less after it."""
    size, seed, step = (part.ravel() for part in np.meshgrid(
        np.geomspace(1e5, 1e8, 6), [0, 1], np.asarray(steps, float)
    ))  # fmt: skip
    noise = np.exp(1e-6 * np.random.default_rng(0).normal(size=size.size))
    value = (0.3 + 8 * (better * size) ** -0.35) * (1000 / step) ** 0.1 * noise
    frame = {"N": size, "seed": seed, "step": step, "loss": value, "flops": per_size * size * step}
    return analysis.from_frame(pd.DataFrame({**frame, **labels}), source=name)


@pytest.fixture(scope="module")
def compared():
    """B reaches A's loss with half the size, each parameter costing 1.5 times as much."""
    tables = [runs("a", steps=(500, 1000, 2000)), runs("b", better=2.0, per_size=9.0)]
    return in_depth(analysis.analyse(tables, SETTINGS))


def test_a_shift_is_found_in_size_and_in_compute_at_the_horizon_that_both_share(compared):
    by_size, by_flops = compared.shifts
    assert (by_size.variable, by_flops.variable) == ("size", "flops")
    assert by_size.multiplier.value == pytest.approx(2, rel=1e-3)
    assert by_flops.multiplier.value == pytest.approx(2 / 1.5, rel=1e-3)
    assert by_flops.at == pytest.approx(6 * 1e8 * 1000)
    assert "times the training FLOPs for the same loss" in by_flops.sentence()
    assert [item.steps for item in compared.comparisons] == [1000]
    assert compared.not_compared == ()


def test_what_cannot_be_said_is_said_with_its_reason(compared):
    second = compared.series[1]
    assert "horizon" in second.refused["collapse"]
    page = render(compared, "t", [])
    assert f"No collapse: {second.refused['collapse']}" in page
    tables = [runs("a", protocol="p"), runs("b", protocol="q", steps=(500,))]
    study = in_depth(analysis.analyse(tables, SETTINGS))
    told = [item.sentence() for item in study.not_compared]
    assert told == [
        f"b against a: no {question}: their protocols differ (p; q)."
        for question in ("comparison rung by rung", "shift in size", "shift in training FLOPs")
    ]
    assert all(sentence in render(study, "t", []) for sentence in told)
    assert set(told) <= set(answer(study)["sentences"])
