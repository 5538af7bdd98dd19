"""Votes of simulated people whose utilities are known: rates, strengths, raters and judges."""

import numpy as np
import pandas as pd
import pytest

from analysis.preference.adaptive import EXPLORE, behind, design
from analysis.preference.power import half_width, intraclass, votes_for
from analysis.preference.proxies import proxy_agreements
from analysis.preference.raters import alpha, raters
from analysis.preference.rates import rate, rates_by_run, wilson
from analysis.preference.strengths import strengths
from analysis.preference.study import preferences
from tests.analysis.population import chances, population, true_rate

RUNS = {"small": -2.0, "middle": -1.0, "large": -0.3}
TIE = -1.0


@pytest.mark.parametrize(
    "who",
    [
        {"raters": 1, "prompts": 40, "prompt_spread": 0.8},
        {"raters": 3, "prompts": 40, "prompt_spread": 1.0},
        {"raters": 8, "prompts": 40, "prompt_spread": 0.8, "rater_spread": 0.5},
    ],
    ids=["one rater", "three raters", "a sample of raters"],
)
def test_intervals_of_rates_hold_the_truth_at_their_rate(who):
    spread = np.hypot(who["prompt_spread"], who.get("rater_spread", 0.0))
    held = [
        found.low <= true_rate(RUNS[run], TIE, spread) <= found.high
        for seed in range(50)
        for run, found in rates_by_run(population(RUNS, tie=TIE, seed=seed, **who))
    ]
    assert 0.89 <= np.mean(held) <= 0.995, np.mean(held)  # of 150, known to 1.8 points


def test_votes_that_are_independent_have_wilsons_interval():
    """Newcombe 1998, table I: 81 of 263 and 0 of 20."""
    assert wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0.0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    votes = population({"run": -1.0}, raters=1, prompts=50, tie=-9.0)
    found = rate(votes)
    assert found.method == "wilson"
    assert (found.low, found.high) == wilson(found.value, 50)


def test_a_run_that_never_wins_keeps_an_interval():
    found = rate(population({"run": -60.0}, raters=6, prompts=30, tie=-30.0))
    assert found.value == 0.0 == found.low and found.high >= wilson(0.0, 180)[1]


def test_ties_count_half_and_skips_not_at_all():
    votes = population({"run": 0.0}, raters=1, prompts=4)
    votes["choice"] = ["first", "tie", "second", "skip"]
    found = rate(votes)
    assert (found.value, found.votes, found.ties, found.skipped) == (0.5, 3, 1, 1)


def test_strengths_are_the_utilities_of_davidsons_model():
    every = [
        strengths(population(RUNS, tie=TIE, raters=2, prompts=40, seed=seed)) for seed in range(40)
    ]
    truth = {**RUNS, "real": 0.0}
    held = [x.low <= truth[x.source] <= x.high for found in every for x in found.of]
    assert np.mean(held) >= 0.9
    assert np.mean([found.tie for found in every]) == pytest.approx(TIE, abs=0.1)
    middle = true_rate(RUNS["middle"], TIE)
    assert every[-1].preferred("middle") == pytest.approx(middle, abs=0.12)


def test_pairs_of_models_join_what_was_never_set_beside_real_images():
    rng = np.random.default_rng(0)
    rows = []
    for first, second, apart in [("a", "real", -1.0), ("b", "a", -0.7)]:
        win, draw, _ = chances(np.full(1500, apart), TIE)
        u = rng.random(1500)
        choice = np.where(u < win, "first", np.where(u < win + draw, "tie", "second"))
        about = {"first": first, "second": second, "rater": "r"}
        prompts = np.arange(1500).astype(str)
        rows.append(pd.DataFrame({"choice": choice, "prompt_id": prompts, **about}))
    found = {item.source: item for item in strengths(pd.concat(rows, ignore_index=True)).of}
    assert found["b"].low <= -1.7 <= found["b"].high and found["b"].bounded


def test_a_side_that_never_loses_is_said_to_be_unbounded():
    votes = population({"run": -60.0}, raters=1, prompts=20, tie=-30.0)
    assert not next(item for item in strengths(votes).of if item.source == "run").bounded


def test_krippendorffs_example():
    """Krippendorff 2011, section C: four observers, nominal data with gaps, alpha .743."""
    observers = [
        ["1", "2", "3", "3", "2", "1", "4", "1", "2", None, None, None],
        ["1", "2", "3", "3", "2", "2", "4", "1", "2", "5", None, "3"],
        [None, "3", "3", "3", "2", "3", "4", "2", "2", "5", "1", None],
        ["1", "2", "3", "3", "2", "4", "4", "1", "2", "5", "1", None],
    ]
    rows = [
        {"pair": str(unit), "choice": value, "rater": str(observer)}
        for observer, values in enumerate(observers)
        for unit, value in enumerate(values)
        if value is not None
    ]
    assert alpha(pd.DataFrame(rows), among=("1", "2", "3", "4", "5")) == pytest.approx(
        0.743, abs=5e-4
    )


def test_raters_agree_on_what_is_asked_and_not_on_checks_and_controls():
    """Checks on which everybody agrees, and controls on which nobody does, leave agreement be."""
    votes = population(RUNS, raters=3, prompts=40, tie=TIE, seed=2).assign(protocol="p")
    few = votes[votes["first"] == "small"]
    checks = few.assign(kind="check", second="degraded", first="real", choice="first")
    choices = few["rater"].map({"rater 0": "first", "rater 1": "second", "rater 2": "tie"})
    controls = few.assign(kind="control", first="real", choice=choices)
    mixed = [frame.assign(pair=frame["kind"] + frame["pair"]) for frame in (checks, controls)]
    alone = preferences(votes)
    for extra in mixed:
        found = preferences(pd.concat([votes, extra]))
        assert found.alpha == alone.alpha
        assert [r.agreement for r in found.raters] == [r.agreement for r in alone.raters]


def test_raters_who_guess_or_fail_checks_are_flagged_and_kept():
    votes = population({"a": -2.5, "b": -2.0}, raters=5, prompts=60, tie=-3.0)
    rng = np.random.default_rng(0)
    guess = votes["rater"] == "rater 2"
    votes.loc[guess, "choice"] = rng.choice(["first", "second"], guess.sum())
    checks = pd.DataFrame({"pair": [f"check {i}" for i in range(10)] * 2, "kind": "check",
        "prompt_id": "c", "first": "real", "second": "degraded", "left": "first",
        "choice": ["first"] * 10 + ["second"] * 7 + ["first"] * 3,
        "rater": ["rater 1"] * 10 + ["rater 3"] * 10, "rater_kind": "human"})  # fmt: skip
    everything = pd.concat([votes, checks], ignore_index=True)
    flagged = {item.name: item.flags for item in raters(everything) if item.flags}
    assert flagged.keys() == {"rater 2", "rater 3"}
    assert "failed 7 of 10 attention checks" in flagged["rater 3"][0]
    assert sum(item.votes for item in raters(everything)) == len(everything)


def test_a_rater_who_always_chooses_left_is_flagged_by_the_controls():
    controls = pd.DataFrame({"pair": [str(i) for i in range(20)], "kind": "control",
        "prompt_id": [str(i) for i in range(20)], "first": "real", "second": "real",
        "left": ["first", "second"] * 10, "choice": ["first", "second"] * 10, "rater": "r",
        "rater_kind": "human"})  # fmt: skip
    (found,) = raters(controls)
    assert found.side.value == 1.0 and "prefers a side" in found.flags[0]


def test_a_judges_bias_is_exposed():
    """The judge likes what the smallest run draws better than real images; people do not."""
    biases = (4.0, 0.0, 0.0)
    votes = population(RUNS, tie=TIE, prompts=150, raters=3, prompt_spread=0.5, judge_bias=biases)
    (found,) = proxy_agreements(votes)
    truths = [true_rate(u + b, TIE, 0.5) - true_rate(u, TIE, 0.5)
              for u, b in zip(RUNS.values(), biases, strict=True)]  # fmt: skip
    assert found.bias.low <= np.mean(truths) <= found.bias.high and found.bias.low > 0
    fair = next(iter(proxy_agreements(
        population(RUNS, tie=TIE, prompts=150, raters=3, prompt_spread=0.5, judge_bias=(0, 0, 0))
    )))  # fmt: skip
    assert fair.bias.low <= 0 <= fair.bias.high and fair.ranks.value == pytest.approx(1.0)
    assert fair.accuracy.low <= fair.ceiling.value <= fair.accuracy.high
    assert found.accuracy.high < found.ceiling.value and found.ranks.value < 1


@pytest.mark.parametrize("tie_rate", [0.0, 0.3])
def test_the_planned_votes_give_the_planned_interval(tie_rate):
    n = votes_for(0.05, rate=0.4, tie_rate=tie_rate)
    assert half_width(n, rate=0.4, tie_rate=tie_rate) == pytest.approx(0.05, rel=0.01)
    rng = np.random.default_rng(0)
    chance = [0.4 - tie_rate / 2, tie_rate, 0.6 - tie_rate / 2]
    means = rng.choice([1.0, 0.5, 0.0], p=chance, size=(4000, n)).mean(axis=1)
    assert np.mean(np.abs(means - 0.4) < 0.05) == pytest.approx(0.95, abs=0.015)


def test_votes_of_one_prompt_that_correlate_are_worth_less():
    """rho = 0.3 by a normal prompt's effect; four votes a prompt cost 1.9 times the votes."""
    rng = np.random.default_rng(1)
    prompt = np.repeat(np.arange(4000), 4)
    points = rng.normal(0, np.sqrt(0.3), 4000)[prompt] + rng.normal(0, np.sqrt(0.7), 16000)
    rho = intraclass(points, prompt)
    assert rho == pytest.approx(0.3, abs=0.03)
    more = votes_for(0.05, votes_per_prompt=4, correlation=0.3) / votes_for(0.05)
    assert more == pytest.approx(1.9, rel=0.01)


SIZES = np.geomspace(1e4, 4e5, 6)


def spent(level, alpha_, target, *, adaptive, seed):
    """Votes until alpha's deviation is below the target, and the points and votes by size."""
    rng = np.random.default_rng(seed)
    truth = 0.5 - level * SIZES**-alpha_
    points, votes = np.zeros(6), np.zeros(6)
    found = design(SIZES, points, votes)
    while not found.deviation < target:
        for _ in range(60):
            early = votes.sum() < 60 or not adaptive
            size = int(rng.integers(6)) if early else behind(found.shares, votes)
            votes[size] += 1
            points[size] += rng.random() < truth[size]
        found = design(SIZES, points, votes)
    return votes, points


@pytest.mark.slow
@pytest.mark.parametrize(("level", "alpha_", "target"), [(6.0, 0.3, 0.05), (1.2, 0.12, 0.03)])
def test_an_adaptive_order_needs_a_third_fewer_votes(level, alpha_, target):
    many = {
        adaptive: [spent(level, alpha_, target, adaptive=adaptive, seed=s) for s in range(20)]
        for adaptive in (False, True)
    }
    mean = {key: np.mean([votes.sum() for votes, _ in runs]) for key, runs in many.items()}
    assert mean[True] < 0.7 * mean[False]
    truth = 0.5 - level * SIZES**-alpha_
    for votes, points in many[True]:  # no size is forgotten, and none is far from its truth
        assert votes.min() >= 0.9 * EXPLORE / 6 * votes.sum()
        assert np.all(np.abs(points / votes - truth) < 5 * np.sqrt(0.25 / votes))


def test_the_best_two_point_design_is_elfvings():
    """Without noise differences, slope of a line on [-1, 1]: half the votes at each end."""
    from analysis.preference.adaptive import _optimal

    x = np.linspace(-1, 1, 5)
    shares = _optimal(np.stack([np.ones(5), x], axis=1), steps=3000)
    assert shares == pytest.approx([0.5, 0, 0, 0, 0.5], abs=0.01)


def test_everything_of_a_file_of_votes():
    votes = population(RUNS, tie=TIE, prompts=30, raters=3, judge_bias=(0, 0, 0))
    found = preferences(votes.assign(protocol="p"))
    assert found.rates.keys() == RUNS.keys() == found.by_judge["judge"].keys()
    values = [found.rates[run].value for run in RUNS]
    assert values == sorted(values) and found.more > 0
    assert "3 raters are no sample" in found.notes[-1]
