"""The inference setting that people prefer of a run: found where one is best, else not."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.preference.differences import difference
from analysis.preference.setting_votes import of_runs, of_settings
from analysis.preference.settings import Cost, preferred_settings
from analysis.preference.study import preferences
from tests.analysis.population import population, true_rate

RUN, TIE = "0123456789ab", -0.5
UTILITIES = {"steps=2": -2.0, "steps=8": -0.3, "steps=32": -0.3}
COSTS = {(RUN, name): Cost(evaluations=n, flops=1e6 * n) for name, n in
         {"steps=2": 2, "steps=8": 8, "steps=32": 32}.items()}  # fmt: skip


def on_settings(utilities, **who):
    return population({f"{RUN}@{name}": u for name, u in utilities.items()}, tie=TIE, **who)


def found(votes):
    (of_run,) = preferred_settings(votes, COSTS)
    return of_run


def test_a_setting_that_is_best_by_far_is_told_apart_from_the_next():
    of_run = found(on_settings({**UTILITIES, "steps=32": 1.0}, prompts=100, raters=3))
    assert (of_run.run, of_run.best, of_run.cheapest) == (RUN, "steps=32", "steps=32")
    assert of_run.told_apart
    assert [item.setting for item in of_run.settings] == ["steps=32", "steps=8", "steps=2"]
    best, *others = of_run.settings
    for item in others:
        assert item.behind is not None
        assert item.behind.value == pytest.approx(best.rate.value - item.rate.value)


def test_of_settings_as_good_the_cheapest_is_named():
    """Whichever of the two that are alike comes out first."""
    every = [found(on_settings(UTILITIES, prompts=150, raters=2, seed=seed)) for seed in range(10)]
    assert {of_run.best for of_run in every} == {"steps=8", "steps=32"}
    alike = [of_run for of_run in every if not of_run.told_apart]
    assert len(alike) >= 7 and {of_run.cheapest for of_run in alike} == {"steps=8"}
    for of_run in every:
        assert not of_run.settings[-1].as_good and of_run.settings[-1].setting == "steps=2"


def test_the_best_of_several_alike_is_seldom_told_apart_and_the_true_best_seldom_left_out():
    """Rates of error of 120 simulated studies, nominally 5 % at most."""
    alike = {f"steps={n}": -0.5 for n in (1, 2, 4, 8, 16)}
    close = {**alike, "steps=16": -0.2}
    told, left_out = [], []
    for seed in range(120):
        who = {"prompts": 40, "raters": 1 + seed % 3, "prompt_spread": 1.0, "seed": seed}
        told.append(found(on_settings(alike, **who)).told_apart)
        of_run = found(on_settings(close, **who))
        left_out += [not item.as_good for item in of_run.settings if item.setting == "steps=16"]
    assert np.mean(told) <= 0.05 and np.mean(left_out) <= 0.05


@pytest.mark.parametrize("raters", [1, 3, 8])
def test_intervals_of_differences_hold_the_truth_at_their_rate(raters):
    """With prompts that differ much, and from five raters on raters that do."""
    spread = 0.5 if raters > 5 else 0.0
    who = {"prompts": 40, "raters": raters, "prompt_spread": 1.0, "rater_spread": spread}
    truth = [true_rate(u, TIE, float(np.hypot(1.0, spread))) for u in (-0.2, -1.0)]
    held = []
    for seed in range(150):
        votes = on_settings({"a": -0.2, "b": -1.0}, seed=seed, **who)
        one, other = (votes[votes["first"] == f"{RUN}@{name}"] for name in "ab")
        apart = difference(one, other)
        held.append(apart.low <= truth[0] - truth[1] <= apart.high)
    assert np.mean(held) >= 0.91, np.mean(held)


def test_independent_votes_have_the_interval_of_agresti_and_caffo():
    votes = population({f"{RUN}@a": 0.3, f"{RUN}@b": -0.8}, raters=1, prompts=30, tie=-9.0)
    votes["prompt_id"] = np.arange(len(votes)).astype(str)
    one, other = votes[:30], votes[30:]
    apart = difference(one, other)
    wins = [(side["choice"] == "first").sum() + 1 for side in (one, other)]
    p, q = (n / 32 for n in wins)
    reach = stats.t.isf(0.025, 59) * np.sqrt(p * (1 - p) / 32 + q * (1 - q) / 32)
    assert (apart.low, apart.high) == pytest.approx((p - q - reach, p - q + reach))


def test_prompts_that_both_sides_share_narrow_the_difference():
    votes = on_settings({"a": -0.3, "b": -0.3}, prompts=200, raters=1, prompt_spread=4.0)
    one, other = (votes[votes["first"] == f"{RUN}@{name}"] for name in "ab")
    shared = difference(one, other)
    strangers = difference(one, other.assign(prompt_id=other["prompt_id"] + " again"))
    assert shared.high - shared.low < 0.8 * (strangers.high - strangers.low)


@pytest.mark.parametrize(("votes", "told"), [(2, False), (6, True)])
def test_few_votes_however_unanimous_tell_nothing_apart(votes, told):
    rows = on_settings({"a": 0.0, "b": 0.0}, prompts=votes, raters=1)
    rows["choice"] = np.where(rows["first"] == f"{RUN}@a", "first", "second")
    assert found(rows).told_apart == told


def test_skips_are_no_votes_and_a_setting_without_any_is_not_as_good():
    rows = on_settings(UTILITIES, prompts=40, raters=1)
    rows.loc[rows["first"] == f"{RUN}@steps=2", "choice"] = "skip"
    of_run = found(rows)
    last = of_run.settings[-1]
    assert (last.setting, last.rate.votes, last.rate.skipped) == ("steps=2", 0, 40)
    assert not last.as_good and of_run.cheapest != "steps=2"


def test_costs_that_nobody_recorded_name_no_cheapest():
    (of_run,) = preferred_settings(on_settings(UTILITIES, prompts=40, raters=1), {})
    assert of_run.cheapest == ""


def test_pairs_of_two_settings_give_strengths_and_leave_rates_alone():
    votes = on_settings(UTILITIES, prompts=60, raters=2)
    direct = votes[votes["first"] == f"{RUN}@steps=8"].assign(
        kind="models", second=f"{RUN}@steps=2", choice="first"
    )
    both = pd.concat([votes, direct], ignore_index=True)
    before, after = (found(x) for x in (votes, both))
    assert [item.rate for item in after.settings] == [item.rate for item in before.settings]
    strength = {item.setting: item.strength for item in after.settings}
    assert all(item.strength is None for item in before.settings)
    assert strength["steps=8"].value > strength["steps=2"].high


def test_votes_on_settings_leave_all_that_is_said_of_runs_as_it_is():
    """But of raters, whoever they voted on."""
    runs = population({RUN: -1.0, "ba9876543210": -0.2}, tie=TIE, judge_bias=[0.2, 0.1])
    settings = on_settings(UTILITIES, raters=3)
    settings["protocol"], runs["protocol"] = "of settings", "of runs"
    both = pd.concat([runs, settings], ignore_index=True)
    pd.testing.assert_frame_equal(of_runs(both), runs)
    assert of_settings(both).sum() == len(settings)
    before, after = preferences(runs), preferences(both)
    for name in ("rates", "by_judge", "strengths", "alpha", "control", "agreements", "more"):
        assert repr(getattr(before, name)) == repr(getattr(after, name)), name
    assert not any("several protocols" in note for note in after.notes)
    assert sum(rater.votes for rater in after.raters) == 180 * 3 + 60 * 2 * 6
