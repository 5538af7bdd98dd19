"""Profile likelihoods against exact intervals, simulated floors and the bootstrap."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student

from analysis.estimation.estimate import estimate
from analysis.estimation.problem import pose, stack
from analysis.figures.profile import profile_likelihoods
from analysis.laws import LAWS
from analysis.uncertainty.bootstrap import bootstrap
from analysis.uncertainty.profile import profiles

DATA = Path(__file__).parent / "data"
SIZES = np.repeat(np.geomspace(1e4, 1e6, 6), 2)


def ladder(seed=0, floor=0.3, noise=0.005, sizes=SIZES):
    draws = np.random.default_rng(seed).normal(size=sizes.size)
    return (floor + 8 * sizes**-0.35) * np.exp(noise * draws)


def of_floor(y, sizes=SIZES, **options):
    posed = pose(LAWS["floor"], {"x": sizes}, y, **{"delta": 0.01, **options})
    return estimate(posed, fixed_delta=False)


def student_interval(design, y, column):
    """Of one coefficient of ordinary least squares."""
    found, (squares,), *_ = np.linalg.lstsq(design, y, rcond=None)
    freedom = len(y) - design.shape[1]
    error = np.sqrt(squares / freedom * np.linalg.inv(design.T @ design)[column, column])
    reach = student.ppf(0.975, freedom) * error
    return found[column] - reach, found[column] + reach


def test_linear_laws_have_students_interval():
    """E + A x^-0.35 with the exponent known and linear residuals is linear regression."""
    y = ladder()
    problems, best = of_floor(y, linear=True, squares=True, known={"alpha": 0.35})
    found = profiles(problems, best)[0]
    assert set(found) == {"E", "A"}
    design = np.column_stack([np.ones_like(SIZES), SIZES**-0.35])
    for column, name in enumerate(("E", "A")):
        expected = student_interval(design, y, column)
        width = expected[1] - expected[0]
        assert found[name].interval == pytest.approx(expected, abs=2e-3 * width)
        assert found[name].identified
        assert found[name].freedom == 10


def test_a_power_law_in_logs_has_students_interval_in_the_units_of_the_data():
    """log y = log A - alpha log x: A's error at x = 1 is far from that at the mean x."""
    y = ladder(floor=0.0)
    posed = pose(LAWS["power"], {"x": SIZES}, y, delta=0.01, squares=True)
    found = profiles(*estimate(posed, fixed_delta=False))[0]
    design = np.column_stack([np.ones_like(SIZES), -np.log(SIZES)])
    low, high = student_interval(design, np.log(y), 0)
    assert np.log(found["A"].interval) == pytest.approx((low, high), abs=2e-3 * (high - low))
    low, high = student_interval(design, np.log(y), 1)
    assert found["alpha"].interval == pytest.approx((low, high), abs=2e-3 * (high - low))


def test_profiles_meet_their_threshold_at_both_ends():
    """Held at the interval's ends, the law loses just the threshold; at the optimum nothing."""
    problems, best = of_floor(ladder(), squares=True)
    for item in profiles(problems, best)[0].values():
        at_ends = np.interp(item.interval, item.values, np.sqrt(item.rise))
        assert at_ends == pytest.approx(np.sqrt(item.threshold), rel=0.01)
        assert item.rise.min() == pytest.approx(0, abs=1e-6)
        low, high = item.interval
        assert low < item.best < high
        assert f"between {low:.4g} and {high:.4g} at 95%" in item.sentence()


def test_a_floor_that_cannot_be_seen_reaches_zero():
    sizes = np.repeat(np.geomspace(1e4, 1e5, 5), 2)
    problems, best = of_floor(ladder(1, floor=0.002, noise=0.01, sizes=sizes), sizes)
    found = profiles(problems, best)[0]["E"]
    assert found.interval[0] == 0
    assert found.found == (False, True)
    assert not found.identified
    assert "reaches zero" in found.sentence()
    seen = profiles(*of_floor(ladder()))[0]["E"]
    assert seen.identified
    assert seen.interval[0] > 0.25


def test_a_flat_figure_says_what_is_not_identified():
    sizes = np.repeat(np.geomspace(1e4, 1e5, 5), 2)
    found = profiles(*of_floor(ladder(1, floor=0.002, noise=0.01, sizes=sizes), sizes))[0]
    figure = profile_likelihoods(found)
    assert figure
    assert [axes.get_title() for axes in figure.axes] == ["E: not identified", "A", r"$\alpha$"]


def test_a_worse_optimum_than_is_found_on_the_way_is_said():
    """Profiled from a theta that was never polished, the rise falls below zero."""
    problems, best = of_floor(ladder())
    moved = replace(best[0], theta=best[0].theta + np.array([0.0, 0.0, 0.01]))
    assert "A better fit" in profiles(problems, [moved])[0]["E"].sentence()
    assert "A better fit" not in profiles(problems, best)[0]["E"].sentence()


def test_units_do_not_matter():
    """Whatever the unit of size, the intervals of E and alpha stay."""
    y = ladder()
    here = profiles(*of_floor(y))[0]
    there = profiles(*of_floor(y, SIZES / 1e6))[0]
    for name in ("E", "alpha"):
        assert there[name].interval == pytest.approx(here[name].interval, rel=2e-3)


def test_many_fits_are_profiled_as_each_alone():
    both = [pose(LAWS["floor"], {"x": SIZES}, ladder(seed), delta=0.01) for seed in (0, 2)]
    together = profiles(*estimate(stack(both), fixed_delta=False))
    for one, among in zip(both, together, strict=True):
        alone = profiles(*estimate(one, fixed_delta=False))[0]
        for name, item in alone.items():
            assert among[name].interval == pytest.approx(item.interval, rel=2e-3)


def test_runs_that_move_together_widen_the_interval():
    """Every point four times says no more than once, if the four are known to be one run."""
    y = ladder()
    problems, best = of_floor(y, squares=True)
    once = profiles(problems, best, clusters=[np.arange(12)])[0]["alpha"]
    sizes, run = np.repeat(SIZES, 4), np.repeat(np.arange(12), 4)
    problems, best = of_floor(np.repeat(y, 4), sizes, squares=True)
    naive = profiles(problems, best)[0]["alpha"]
    known = profiles(problems, best, clusters=[run])[0]["alpha"]
    assert known.freedom == once.freedom == 9
    assert known.interval == pytest.approx(once.interval, rel=1e-3)
    assert np.diff(naive.interval) < 0.6 * np.diff(known.interval)


def least_squares_of_shifted(x, y, coefficient):
    """Over x0, by trying each, and alpha, which then is a linear regression's."""
    logs = np.log(1 / x + 1 / np.geomspace(x.max() * 1e-5, x.max() * 1e9, 6000)[:, None])
    goal = np.log(y / coefficient)
    alpha = (logs @ goal) / (logs**2).sum(axis=1)
    return ((goal - alpha[:, None] * logs) ** 2).sum(axis=1).min()


@pytest.mark.parametrize("seed", range(6))
def test_ends_are_right_where_another_parameter_has_no_limit(seed):
    """A power law's data say nothing of the x0 where it would level off: refits must search it."""
    sizes = np.repeat(np.geomspace(1e4, 1e5, 7), 2)
    y = ladder(seed, floor=0.0, noise=0.01, sizes=sizes)
    posed = pose(LAWS["shifted"], {"x": sizes}, y, delta=0.01, squares=True)
    problems, best = estimate(posed, fixed_delta=True)
    item = profiles(problems, best)[0]["A"]
    squares = best[0].residuals @ best[0].residuals
    variance = squares / item.freedom
    for end in item.interval:
        rise = (least_squares_of_shifted(sizes, y, end) - squares) / variance
        assert rise == pytest.approx(item.threshold, rel=0.02)


@pytest.fixture(scope="module")
def chinchilla():
    frame = pd.read_csv(DATA / "chinchilla_2022.csv").sort_values("loss").iloc[:-5]
    size = frame["Model Size"].to_numpy()
    steps = (frame["Training FLOP"] / 6 / size).to_numpy()
    posed = pose(LAWS["joint"], {"N": size, "S": steps}, frame["loss"].to_numpy(), delta=1e-3)
    return *estimate(posed, fixed_delta=True), size, steps


def test_chinchilla_agrees_with_the_published_bootstrap(chinchilla):
    """Besiroglu et al. 2024, table of intervals; noise depends on size, so runs are clusters."""
    problems, best, *_ = chinchilla
    found = profiles(problems, best, clusters=[np.arange(240)])[0]
    published = {"E": (1.769, 1.871), "alpha": (0.317, 0.373), "beta": (0.331, 0.415)}
    published |= {"A": (285, 744), "B": (1042, 5810)}
    for name, interval in published.items():
        scale = np.log if name in "AB" else np.asarray
        width, expected = np.ptp(scale(found[name].interval)), np.ptp(scale(interval))
        assert width == pytest.approx(expected, rel=0.2 if name in ("B", "beta") else 0.15), name


def test_chinchilla_agrees_with_the_bootstrap_at_a_delta_that_suits_it(chinchilla):
    problems, _, size, steps = chinchilla
    problems, best = estimate(replace(problems), fixed_delta=False)
    found = profiles(problems, best, clusters=[np.arange(240)])[0]
    run = np.arange(240)
    points = pd.DataFrame({"rung": run, "run": run, "size": size, "steps": steps})
    drawn = bootstrap(problems, best, [points], fitted=3, count=1000, seed=1)[0].parameters
    for name, column in zip(problems.law.parameters, drawn.T, strict=True):
        scale = np.log if name in "AB" else np.asarray
        expected = np.ptp(scale(np.quantile(column, [0.025, 0.975])))
        assert np.ptp(scale(found[name].interval)) == pytest.approx(expected, rel=0.15), name


def test_the_figure_has_a_panel_for_each_parameter(chinchilla, tmp_path):
    problems, best, *_ = chinchilla
    figure = profile_likelihoods(profiles(problems, best)[0])
    assert figure
    assert len(figure.axes) == 5
    figure.savefig(tmp_path / "profile.png")
    assert profile_likelihoods({}) is None
