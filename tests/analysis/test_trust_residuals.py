"""Tests of residuals: exact chances, known statistics, and the rate at which they reject."""

import json
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from analysis.fit_sheets import diagnostics_sheet, residuals_sheet
from analysis.fitting import fit_tasks, last_horizon, task
from analysis.laws import find
from analysis.report import render
from analysis.settings import FitSettings
from analysis.study import analyse
from analysis.table import read
from analysis.trust.residuals import (
    chance_of_runs,
    lack_of_fit,
    residual_tests,
    runs_test,
    sphericity,
)
from scaling.cli.answer import answer
from tests.analysis.ladders import ladder


@pytest.mark.parametrize(("above", "below"), [(3, 4), (1, 5), (2, 2)])
def test_chances_of_runs_are_those_of_every_order(above, below):
    orders = set(permutations([1.0] * above + [-1.0] * below))
    counts = np.bincount([runs_test(np.array(order)).runs for order in orders])
    told = [chance_of_runs(r, above, below) for r in range(2, len(counts))]
    assert_allclose(told, counts[2:] / len(orders), rtol=1e-12, atol=1e-15)


def test_lack_of_fit_is_the_F_of_nested_regressions():
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(6), 3)
    y = group + 0.2 * group**2 + rng.normal(size=18)
    residuals = y - np.polyval(np.polyfit(group, y, 1), group)
    means = np.bincount(group, y)[group] / 3
    pure, whole = ((y - means) ** 2).sum(), (residuals**2).sum()
    f = ((whole - pure) / 4) / (pure / 12)
    found = lack_of_fit(residuals, group, 2)
    assert_allclose([found.statistic, found.p], [f, stats.f.sf(f, 4, 12)], rtol=1e-10)
    assert_allclose(lack_of_fit(residuals * 1e-3, group, 2).p, found.p, rtol=1e-9)
    assert found.freedom == (4, 12)


def test_neither_test_is_made_without_the_points_for_it():
    assert np.isnan(lack_of_fit(np.ones(4), np.arange(4), 2).p), "no point is repeated"
    assert np.isnan(lack_of_fit(np.ones(4), np.array([0, 0, 1, 1]), 2).p), "two points, two free"
    assert np.isnan(runs_test(np.ones(5)).p)


def rates(count: int, seed: int) -> tuple[float, float, float]:
    """How often F rejects a true line, runs reject random signs, and how often those should."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(8), 3)
    by_f = by_runs = should = 0.0
    for _ in range(count):
        y = 2.0 - group + rng.normal(size=group.size)
        residuals = y - np.polyval(np.polyfit(group, y, 1), group)
        by_f += lack_of_fit(residuals, group, 2).p < 0.05
        found = runs_test(rng.normal(size=20))
        by_runs += found.p < 0.05
        chances = [chance_of_runs(r, found.above, found.below) for r in range(2, 21)]
        below = np.cumsum(chances)
        should += below[below < 0.05].max(initial=0.0)
    return by_f / count, by_runs / count, should / count


def test_they_reject_at_the_nominal_rate():
    by_f, by_runs, should = rates(400, 1)
    reach = 3 * np.sqrt(0.05 * 0.95 / 400)
    assert abs(by_f - 0.05) < reach
    assert abs(by_runs - should) < reach
    assert should <= 0.05


@pytest.mark.slow
def test_they_reject_at_the_nominal_rate_more_closely():
    by_f, by_runs, should = rates(10_000, 2)
    reach = 3 * np.sqrt(0.05 * 0.95 / 10_000)
    assert abs(by_f - 0.05) < reach
    assert abs(by_runs - should) < reach


def both_tests(selection, law: str, **changed):
    settings = FitSettings(bootstrap=0, **changed)
    points = last_horizon(selection)
    return residual_tests(points, fit_tasks([task(points, find(law), "size")], settings)[0].fit)


def test_the_true_law_passes_and_one_without_a_floor_does_not():
    selection = ladder(np.random.default_rng(3), rungs=12)
    right, wrong = both_tests(selection, "floor"), both_tests(selection, "power")
    assert min(right.lack_of_fit.p, right.runs.p) > 0.05
    assert max(wrong.lack_of_fit.p, wrong.runs.p) < 0.05
    assert "within what seeds explain" in right.sentence()
    assert "more than chance allows" in wrong.sentence()
    assert right.lack_of_fit.freedom == (9, 12)


def test_a_known_floor_leaves_a_degree_of_freedom_more():
    selection = ladder(np.random.default_rng(3), rungs=12)
    assert both_tests(selection, "floor", known={"E": 0.33}).lack_of_fit.freedom == (10, 12)


def test_residuals_are_of_the_value_where_it_was_fitted_so():
    selection = ladder(np.random.default_rng(3), rungs=12)
    assert both_tests(selection, "floor", residuals="linear").lack_of_fit.p > 0.05
    one_seed = replace(selection, points=selection.points[selection.points["seed"] == 0])
    assert "cannot be tested" in both_tests(one_seed, "floor").sentence()


def rates_of_horizons(count: int) -> tuple[float, float]:
    """How often F rejects zero, taking a run's horizons to be independent, and by Box's degrees."""
    rng = np.random.default_rng(5)
    points = ladder(rng, rungs=6, seeds=3, horizons=(100, 200, 400, 800)).points
    _, group = np.unique(points[["size", "steps"]], axis=0, return_inverse=True)
    group = group.ravel()
    naive = boxed = 0
    for _ in range(count):
        residuals = np.repeat(rng.normal(size=18), 4) + rng.normal(size=72) / 3
        naive += lack_of_fit(residuals, group, 0).p < 0.05
        boxed += lack_of_fit(residuals, group, 0, sphericity(points, residuals)).p < 0.05
    return naive / count, boxed / count


def test_the_horizons_of_a_run_do_not_pass_for_independent_points():
    naive, boxed = rates_of_horizons(200)
    assert naive > 0.12
    assert boxed < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)


def test_sphericity_is_one_alone_and_least_where_horizons_move_as_one():
    points = ladder(np.random.default_rng(0), rungs=5, horizons=(100, 200)).points
    shift = np.repeat(np.random.default_rng(1).normal(size=10), 2)
    assert_allclose(sphericity(points, shift), 1 / 2)
    ends = points["steps"].to_numpy() == 200
    assert sphericity(points[ends], shift[ends]) == 1
    assert_allclose(sphericity(points[1:], shift[1:]), 1 / 2)  # one run lacks a horizon


def test_many_sizes_take_no_time_and_their_chances_add_up_to_one():
    assert_allclose(chance_of_runs(np.arange(2, 20_001), 9_000, 11_000).sum(), 1, rtol=1e-6)


def test_one_run_along_its_steps_has_no_order_to_test():
    points = ladder(np.random.default_rng(2), rungs=2, seeds=3).points
    points = points[points["rung"] == "w1"]
    fitted = fit_tasks([task(points, find("floor"), "steps")], FitSettings(bootstrap=0))[0].fit
    found = residual_tests(points, fitted)
    assert found.runs.runs == 0 and np.isnan(found.runs.p)
    assert found.lack_of_fit.epsilon < 1
    assert "errors of one run go together" in found.sentence()


def test_every_fit_that_is_reported_has_its_tests(sweep):
    study = analyse([read(sweep)], FitSettings(bootstrap=0))
    (series,) = json.loads(study.to_json())["series"]
    told = {item["law"]: item["residual_tests"] for item in series["hold_outs"]}
    assert told["power"]["lack_of_fit"]["p"] < 0.001 < told["floor"]["lack_of_fit"]["p"]
    assert told["joint"]["lack_of_fit"]["epsilon"] < 1
    asymmetric = analyse([read(sweep)], FitSettings(bootstrap=0, asymmetry=0.1, laws=("power",)))
    assert not any(item.residual_tests for item in asymmetric.series[0].fits)
    rows = {row[:2]: row for row in residuals_sheet(study.series[0]).rows}
    assert "misfit" in rows["power", "all but held out"][-1]
    assert rows["floor", "last horizon"][-1] == "passes"
    solved = {row[:2]: row for row in diagnostics_sheet(study.series[0]).rows}
    assert solved.keys() == rows.keys()
    page = render(study, "t", [])
    assert "Tests of residuals" in page and "How the fits were solved" in page
    assert "Power law with floor: it is within what seeds explain" in page
    told = [row[-1] for row in answer(study)["parts"][0]["fits"]["rows"]]
    assert all(cell.startswith("misfit ") for cell in told)


def rates_of_law(count: int, seed: int) -> tuple[float, float]:
    """How often F and runs reject the true law with a floor, fitted by Huber's loss."""
    rng = np.random.default_rng(seed)
    parts = [ladder(rng, rungs=8, seeds=3, horizons=(3200,)) for _ in range(count)]
    tasks = [task(part.points, find("floor"), "size") for part in parts]
    fits = fit_tasks(tasks, FitSettings(bootstrap=0))
    found = [residual_tests(t.points, one.fit) for t, one in zip(tasks, fits, strict=True)]
    by_f = np.mean([item.lack_of_fit.p < 0.05 for item in found])
    return float(by_f), float(np.mean([item.runs.p < 0.05 for item in found]))


@pytest.mark.slow
def test_the_true_law_is_rejected_at_the_nominal_rate():
    by_f, by_runs = rates_of_law(1000, 4)
    assert 0.03 < by_f < 0.075, by_f
    assert by_runs < 0.05, by_runs
