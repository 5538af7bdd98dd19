"""Hold-outs by compute, steps and rung: what is kept, and errors about zero under the true law."""

from html import escape

import numpy as np
import pytest
from numpy.testing import assert_allclose

import analysis
from analysis.every_table import SHEETS_IN_DEPTH
from analysis.in_depth import in_depth
from analysis.report import render
from analysis.settings import FitSettings
from analysis.trust.beyond import beyond_compute, beyond_steps, compute_of
from analysis.trust.held import beyond_sentence, beyond_sentences
from analysis.trust.rolling import rolling
from analysis.trust.sheets import beyond_sheet
from tests.analysis.ladders import HORIZONS, ladder

PLAIN = FitSettings(bootstrap=0)
SOME = FitSettings(bootstrap=200)


def test_rolling_predicts_every_next_rung_and_is_exact_without_noise():
    found = rolling(ladder(np.random.default_rng(0), noise=0.0), "floor", PLAIN)
    assert [item.fit is None for item in found] == [True] * 3 + [False] * 3
    assert "needs 5 distinct points or more; there are 2" in (found[0].unsupported or "")
    for item, rung in zip(found[3:], ("w6", "w7", "w8"), strict=True):
        (told,) = item.predictions
        assert told.rung == rung
        assert told.steps == HORIZONS[-1]
        assert_allclose(told.predicted, told.measured, rtol=1e-7)
        assert item.fit is not None
        assert rung not in item.fit.rungs


def errors(count: int, seed: int, settings: FitSettings):
    """Errors in per cent of every rolling prediction of many ladders, and the intervals' hits."""
    rng = np.random.default_rng(seed)
    told = [
        item
        for _ in range(count)
        for one in rolling(ladder(rng, rungs=9, horizons=(3200,)), "floor", settings)[3:]
        for item in one.predictions
    ]
    return np.array([p.error_percent for p in told]), np.mean([p.inside for p in told])


def test_rolling_errors_are_unbiased_under_the_true_law():
    found, _ = errors(20, 1, PLAIN)
    by_ladder = found.reshape(20, -1).mean(axis=1)
    assert abs(by_ladder.mean()) < 3 * by_ladder.std(ddof=1) / np.sqrt(20)
    assert np.sqrt(np.mean(found**2)) < 2.0


@pytest.mark.exhaustive
@pytest.mark.slow
def test_rolling_errors_and_intervals_over_many_ladders():
    found, inside = errors(150, 2, SOME)
    by_ladder = found.reshape(150, -1).mean(axis=1)
    assert abs(by_ladder.mean()) < 3 * by_ladder.std(ddof=1) / np.sqrt(150)
    assert inside > 0.9


def test_every_point_above_the_budget_is_predicted_and_none_below():
    selection = ladder(np.random.default_rng(3))
    compute = compute_of(selection.points)
    assert_allclose(compute, selection.points["flops"])
    budget = float(compute.max() / 8)
    found = beyond_compute(selection, "joint", SOME, budget)
    above = selection.points[compute > budget]
    cells = {(p.rung, p.steps) for p in found.predictions}
    assert cells == set(zip(above["rung"], above["steps"], strict=True))
    assert found.fit is not None
    assert found.fit.points == int((compute <= budget).sum())
    assert np.mean([p.inside for p in found.predictions]) > 0.7
    assert max(abs(p.error_percent) for p in found.predictions) < 2
    assert f"{budget:.3g} FLOPs" in found.fitted


def test_compute_without_flops_is_six_n_d():
    points = ladder(np.random.default_rng(3)).points.drop(columns="flops")
    assert_allclose(compute_of(points), 6 * points["size"] * points["steps"])
    seen = points.assign(images=points["steps"] * 64)
    assert_allclose(compute_of(seen), 6 * points["size"] * points["steps"] * 64)


def test_late_horizons_are_predicted_jointly_and_rung_by_rung():
    selection = ladder(np.random.default_rng(4), horizons=(50, *HORIZONS))
    (joint,) = beyond_steps(selection, "joint", SOME, share=0.5)
    assert {p.steps for p in joint.predictions} == {3200.0}
    assert len(joint.predictions) == 8
    assert max(abs(p.error_percent) for p in joint.predictions) < 1.5
    each = beyond_steps(selection, "floor", SOME, share=0.5)
    assert [one.fitted.split()[-1] for one in each] == selection.rungs
    assert [one.predictions[0].rung for one in each] == selection.rungs
    assert max(abs(one.predictions[0].error_percent) for one in each) < 3


def test_the_wrong_law_is_said_to_fail():
    found = rolling(ladder(np.random.default_rng(5), rungs=9), "power", SOME)
    assert max(abs(p.error_percent) for one in found for p in one.predictions) > 4
    sentence = beyond_sentence(found)
    assert "Power law: 5 predictions" in sentence
    assert "the next rung" in sentence


def test_the_sheet_has_predictions_and_refusals():
    found = rolling(ladder(np.random.default_rng(6)), "floor", SOME)
    sheet = beyond_sheet(found)
    assert len(sheet.rows) == 6
    assert all(len(row) == len(sheet.headings) for row in sheet.rows)
    refused = [row[-1].startswith("not fitted: the power law with floor") for row in sheet.rows]
    assert refused == [True] * 3 + [False] * 3
    lone = beyond_compute(ladder(np.random.default_rng(6)), "floor", SOME, budget=1.0)
    assert lone.fit is None
    assert "there are 0" in beyond_sentence([lone])
    (blind,) = beyond_steps(ladder(np.random.default_rng(6)), "repeated", SOME)
    assert "does not read steps" in (blind.unsupported or "")


def test_a_report_has_a_table_of_all_these_hold_outs(sweep):
    """The headline's law is held out by compute and rung by rung, the joint law by steps."""
    study = analysis.analyse([analysis.read(sweep)], analysis.FitSettings(bootstrap=100))
    in_depth_study = in_depth(study)
    (series,) = in_depth_study.series
    assert {item.kind for item in series.beyond} == {"compute", "steps", "rolling"}
    assert {item.law for item in series.beyond if item.kind == "steps"} == {"joint"}
    sheet = SHEETS_IN_DEPTH["beyond"](series)
    assert len(sheet.rows) >= sum(len(item.predictions) for item in series.beyond) > 6
    page = render(in_depth_study, "t", [])
    for text in ("What else was held out?", sheet.title, *beyond_sentences(series.beyond)):
        assert escape(text) in page
    assert SHEETS_IN_DEPTH["beyond"](study.series[0]).rows == ()


def test_each_kind_of_hold_out_has_its_sentence():
    selection = ladder(np.random.default_rng(7))
    found = [
        *rolling(selection, "floor", SOME),
        beyond_compute(selection, "floor", SOME, budget=1.0),
        *beyond_steps(selection, "joint", SOME),
    ]
    by_compute, by_steps, one_by_one = beyond_sentences(found)
    assert by_compute.startswith("No prediction of more compute: the power law with floor has")
    assert by_steps.startswith("Joint law in size and steps: ")
    told = [item for each in found if each.kind == "rolling" for item in each.predictions]
    inside = sum(item.interval[0] <= item.measured <= item.interval[1] for item in told)
    assert f"{len(told)} predictions of the next rung" in one_by_one
    assert f"{inside} of the intervals hold the measurement" in one_by_one
    assert beyond_sentences([]) == []


def test_without_intervals_no_measurement_is_said_to_lie_in_one():
    found = rolling(ladder(np.random.default_rng(8)), "floor", FitSettings(bootstrap=0))
    assert "interval" not in beyond_sentence(found)
    single = [each for each in found if each.predictions][:1]
    assert "one prediction of the next rung, in error by" in beyond_sentence(single)
