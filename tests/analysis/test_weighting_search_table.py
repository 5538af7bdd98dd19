"""Searches asked of tables, and what may not be searched."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from analysis.metrics.found import Refused, WeightingSearch
from analysis.metrics.search import search_arrays
from analysis.metrics.sheets import weightings_sheet
from analysis.metrics.weighting import search, searches, targets
from analysis.metrics.weightings import FIXED
from tests.analysis.weighted import LOG_SNR, level_losses, peaked, published, sweep_of, weighted

TRUE = peaked(LOG_SNR)


def test_with_few_rungs_that_much_is_said():
    rung, losses = level_losses(rungs=5)
    found = search_arrays(LOG_SNR, losses, published(losses, "elbo"), rung, count=0)
    assert found.verdict == "not better"
    assert "With 5 rungs only a gain at nearly every one is told from luck." in found.sentence()


@pytest.mark.parametrize("all_horizons", [False, True])
def test_a_table_is_searched_as_its_arrays_are(all_horizons):
    rung, losses = level_losses(rungs=5)
    fid = weighted(losses, TRUE) ** 2
    table, selection = sweep_of(rung, {"fid": np.stack([9 * fid, fid])}, losses, steps=(10, 20))
    options = {"count": 0, "within": True, "all_horizons": all_horizons}
    found = search(table, selection, "fid", **options)
    expected = search_arrays(LOG_SNR, losses, fid, rung, name="fid", groups=rung, count=0)
    assert found.runs == (30 if all_horizons else 15)
    np.testing.assert_allclose(found.weighting, expected.weighting, rtol=1e-3)
    assert found.searched.r2 == pytest.approx(expected.searched.r2)
    assert json.loads(json.dumps(asdict(found)))["fixed"][0]["name"] == "laplace"


def test_of_a_rate_the_gap_to_one_half_is_predicted():
    """r = 1/2 - c L_w^1.5 with L_w the loss of a known weighting: the gap's logarithm is a line."""
    rung, losses = level_losses(rungs=6)
    gap = 0.4 * (weighted(losses, TRUE) / weighted(losses, TRUE).max()) ** 1.5
    table, selection = sweep_of(rung, {"win_rate_people": 0.5 - gap}, losses)
    (found, _) = searches(table, selection, count=0)
    expected = search_arrays(LOG_SNR, losses, gap, rung, name="1/2 - win_rate_people", count=0)
    falling = search_arrays(LOG_SNR, losses, 0.5 - gap, rung, count=0)
    assert isinstance(found, WeightingSearch)
    assert isinstance(expected, WeightingSearch)
    assert isinstance(falling, WeightingSearch)
    assert (found.target, found.logs) == ("1/2 - win_rate_people", True)
    assert found.verdict == "better"
    assert found.searched.r2 == pytest.approx(expected.searched.r2)
    assert found.searched.r2 > 0.99
    assert found.searched.exponent == pytest.approx(1.5, rel=0.1)
    assert found.searched.r2 > falling.searched.r2


def test_every_target_of_a_table_is_searched_in_both_views():
    rung, losses = level_losses(rungs=5)
    metrics = {"fid": weighted(losses, TRUE), "flat": 1.0, "uniform_loss": losses[:, 0]}
    table, selection = sweep_of(rung, metrics, losses)
    assert targets(table, selection) == ["fid"]
    found = searches(table, selection, count=0)
    assert [(item.target, item.within) for item in found] == [("fid", False), ("fid", True)]
    sheet = weightings_sheet(found)
    assert len(sheet.rows) == 2 * (2 + len(FIXED))
    assert sheet.rows[0][-1] == found[0].verdict == "better"


@pytest.mark.parametrize(
    ("rungs", "seeds", "within", "reason"),
    [
        (4, 3, False, "4 rungs cannot tell a weighting from luck"),
        (8, 1, True, "0 rungs with repeated seeds cannot"),
        (1, 8, True, "1 rung with repeated seeds cannot"),
    ],
)
def test_too_few_rungs_are_refused(rungs, seeds, within, reason):
    rung, losses = level_losses(rungs=rungs, seeds=seeds)
    table, selection = sweep_of(rung, {"fid": losses[:, 3]}, losses)
    found = search(table, selection, "fid", within=within)
    assert isinstance(found, Refused)
    assert reason in found.sentence()
    assert weightings_sheet([found]).rows[0][-1] == found.reason


def test_other_refusals_say_why():
    rung, losses = level_losses(rungs=5)
    table, selection = sweep_of(rung, {"fid": losses[:, 3], "flat": 2.0}, losses)
    table.protocols["p"]["error"] = "edm"
    assert "one of epsilon, x0, v, velocity (given: edm)" in search(table, selection, "fid").reason
    table.protocols["p"].pop("error")
    assert search(table, selection, "fid", error="v", count=0).error == "v"
    assert search(table, selection, "flat", error="v").reason == "it does not vary"
    assert "has no excess_loss" in search(table, selection, "fid", metric="excess_loss").reason
    bad = search_arrays(LOG_SNR, losses - 1, losses[:, 0], rung)
    assert "not positive" in bad.reason
