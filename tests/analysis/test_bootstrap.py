"""Intervals cover the truth, widen with fewer data, and say what is not identified."""

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.estimation.estimate import estimate
from analysis.estimation.problem import pose
from analysis.fitting import fit_tasks, task
from analysis.laws import LAWS
from analysis.selection import select
from analysis.uncertainty.resampling import resample
from tests.analysis.synthetic import TRUTH, law

SIZES = np.geomspace(1e4, 1e6, 6)


def ladder(rng, *, seeds=2, noise=0.005, sizes=SIZES, floor=TRUTH["E"]):
    rows = [
        {"N": size, "seed": seed, "loss": (floor + 8 * size**-0.35) * np.exp(noise * rng.normal())}
        for size in sizes
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows)


def test_intervals_cover_the_truth_at_least_as_often_as_they_say():
    """Six rungs, two seeds, 40 sweeps: nominal 95 %, and few seeds must widen, not narrow."""
    truth = {"E": 0.3, "A": 8.0, "alpha": 0.35}
    hits = dict.fromkeys(truth, 0)
    rng = np.random.default_rng(0)
    for _ in range(40):
        fit = analysis.fit(ladder(rng), settings=analysis.FitSettings(bootstrap=200))
        for name, value in truth.items():
            low, high = fit.intervals[name]
            hits[name] += low <= value <= high
    assert min(hits.values()) >= 35, hits  # 38 expected; 35 is 2.2 deviations below


def test_a_floor_far_below_the_data_is_not_identified():
    """Over one decade a floor of a hundredth of the loss cannot be seen."""
    rng = np.random.default_rng(1)
    frame = ladder(rng, sizes=np.geomspace(1e4, 1e5, 5), floor=0.002, noise=0.01)
    fit = analysis.fit(frame, law="floor")
    assert "reaches zero" in fit.not_identified["E"]


def test_the_interval_shrinks_with_the_noise():
    wide, narrow = (
        analysis.fit(ladder(np.random.default_rng(2), noise=noise)).intervals["alpha"]
        for noise in (0.01, 0.001)
    )
    assert (wide[1] - wide[0]) > 5 * (narrow[1] - narrow[0])


def test_the_same_seed_gives_the_same_interval():
    frame = ladder(np.random.default_rng(3))
    assert analysis.fit(frame).intervals == analysis.fit(frame).intervals


def test_drawn_cases_are_rungs_so_that_copies_of_seeds_tell_nothing():
    """Six seeds of a rung with one deviation from the law are one case, and no six."""
    few = ladder(np.random.default_rng(8), seeds=1, noise=0.01)
    many = pd.concat([few.assign(seed=seed) for seed in range(6)], ignore_index=True)
    settings = analysis.FitSettings(bootstrap=1000, resampling="cases", loss="squares")
    once, often = (analysis.fit(frame, law="power", settings=settings) for frame in (few, many))
    assert once.parameters["alpha"] == pytest.approx(often.parameters["alpha"], rel=1e-6)
    widths = [np.ptp(fit.intervals["alpha"]) for fit in (once, often)]
    assert widths[1] == pytest.approx(widths[0], rel=0.1)


def test_drawn_cases_are_never_fewer_rungs_than_parameters():
    """Of five rungs, three or more for a law with three parameters."""
    frame = ladder(np.random.default_rng(9), sizes=SIZES[:5], seeds=2)
    points = select(analysis.from_frame(frame), analysis.FitSettings()).points
    y, equal = np.log(points["value"].to_numpy(float)), np.full(10, 0.1)
    best = estimate(pose(LAWS["floor"], {"x": points["size"].to_numpy(float)}, np.exp(y), delta=1),
                    fixed_delta=True)[1][0]  # fmt: skip
    drawn = resample(y, equal, best, points, fitted=3, count=2000, seed=0, method="cases")
    rungs = np.array([(drawn.weights * (points["rung"] == r).to_numpy()).sum(axis=1) > 0
                      for r in points["rung"].unique()]).sum(axis=0)  # fmt: skip
    assert set(rungs) == {3, 4, 5}


def test_too_few_points_are_refused_with_the_count():
    frame = ladder(np.random.default_rng(4), sizes=SIZES[:4])
    with pytest.raises(analysis.Unsupported, match=r"3 parameters and needs 5 distinct.*are 4"):
        analysis.fit(frame, law="floor")
    assert analysis.fit(frame, law="power").parameters["alpha"] > 0


def test_a_fit_survives_json():
    fit = analysis.fit(ladder(np.random.default_rng(5)))
    assert analysis.Fit.from_json(fit.to_json()) == fit


def test_prediction_is_the_law():
    fit = analysis.fit(ladder(np.random.default_rng(6)))
    expected = analysis.evaluate(LAWS["floor"], fit.parameters, {"x": 5e5})
    assert fit.predict(x=5e5) == float(expected)
    assert law(1e5, np.inf) == pytest.approx(fit.predict(x=1e5), rel=0.01)


def test_fits_made_together_are_those_made_alone():
    """Ladders of different lengths share one Newton iteration, the shorter filled up."""
    rng = np.random.default_rng(7)
    settings = analysis.FitSettings(bootstrap=200)
    tasks = [
        task(select(analysis.from_frame(frame), settings).points, LAWS["floor"], "size")
        for frame in (ladder(rng), ladder(rng, seeds=3), ladder(rng, sizes=SIZES[:5]))
    ]
    for alone, together in zip(tasks, fit_tasks(tasks, settings), strict=True):
        (own,) = fit_tasks([alone], settings)
        assert together.fit.parameters == pytest.approx(own.fit.parameters, rel=1e-6)
        assert together.fit.huber_delta == own.fit.huber_delta
        assert together.replicates and own.replicates
        same = np.isclose(together.replicates.parameters, own.replicates.parameters, rtol=1e-4)
        assert same.all(axis=1).mean() > 0.97  # the rest was stopped on a flat valley's floor
