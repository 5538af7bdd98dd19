"""The inference setting of each run, chosen by other samples than those it is measured on."""

import json
from functools import partial

import jax.numpy as jnp
import numpy as np
import pytest
from pydantic import ValidationError

from models.diffusion.samplers import SAMPLERS
from models.networks.functional import Functional
from scaling import attempt, build, costs
from scaling.config import RunConfig, run_id
from scaling.config.distances import DistanceConfig
from scaling.config.samplers import DDIM, Heun
from scaling.data.source import load
from scaling.measure import preference
from scaling.measure.candidates import best
from scaling.measure.draws import Draws
from scaling.measure.inference import EVALUATIONS, FLOPS, InferenceMeter
from scaling.measure.preference import PreferenceMeter
from scaling.measure.rows import Measurement
from scaling.measure.sample_metrics import SampleMeter
from scaling.run import Member, run_cohort
from tests.scaling.conftest import PATIENT, rows_of, tiny
from tests.scaling.pictures_network import network
from tests.scaling.test_sample_metrics import ASKED, cohort_of

COSTS = (EVALUATIONS, FLOPS)
GRID = {"guidance_scale": [1, 2], "steps": [2, 4], "samples": 24}


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SCALING_CACHE", str(tmp_path / "cache"))


def trying(inference, **changes) -> RunConfig:
    asked = {**ASKED, "samples": 40, "metrics": ["kid", "precision"], "inference": inference}
    snapshots = {"count": 4, "spacing": "even"}
    data, asked = {"source": "digits"}, asked | changes.pop("distances", {})
    return tiny(data=data, measure__distances=asked, train__snapshots=snapshots, **changes)


def meters(config, draw=None):
    source = load(config.data)
    samples = SampleMeter(config, source)
    return samples, InferenceMeter(config, samples, draw or Draws(config, source))


def of(rows, inference):
    return [row for row in rows if row.inference == inference and row.metric not in COSTS]


def test_nothing_to_choose_from_changes_nothing():
    plain, empty = trying({}), trying({"select_by": "kid"})
    one = trying({"guidance_scale": [1]})
    assert run_id(plain) == run_id(empty) == run_id(one)
    assert "inference" not in plain.model_dump()["measure"]["distances"]
    tried = trying(GRID)
    assert run_id(tried) != run_id(plain)
    assert RunConfig.model_validate(tried.model_dump(mode="json")) == tried
    _, meter = meters(plain)
    assert not meter.due(last=True)
    assert not meter.protocols()


def test_lists_are_crossed_and_an_interval_is_tried_only_where_something_is_guided():
    given = {"guidance_scale": [1, 2], "guidance_interval": [None, [-1, 2]], "ema_width": [None]}
    names = [item.name for item in trying(given).measure.distances.inference.settings]
    assert names == [
        "guidance_scale=1 guidance_interval=all ema_width=fixed",
        "guidance_scale=2 guidance_interval=all ema_width=fixed",
        "guidance_scale=2 guidance_interval=-1..2 ema_width=fixed",
    ]
    samplers = {"sampler": [{"name": "ddim"}, {"name": "heun", "churn": 4.0}]}
    names = [item.name for item in trying(samplers).measure.distances.inference.settings]
    assert names == ["sampler=ddim", "sampler=heun(churn=4.0)"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"guidance_scale": [2]}, "'guidance_scale=2' alone is no choice"),
        ({"guidance_scale": [1, 1]}, "guidance_scale: 1 is given 2 times"),
        ({"steps": [2, 4], "select_by": "fd"}, "'fd' is none of metrics, kid, fd_infinite"),
        ({"steps": [2, 4], "select_by": "beyond_gaussian"}, "says in what way images differ"),
        ({"steps": [2, 4], "seed": 0}, "0 is the seed of measure.distances too"),
        ({"guidance_interval": [None, [0, 1]]}, "nothing is guided at guidance_scale 1"),
        ({"guidance_interval": [[1, 0]]}, r"must be written as \[low, high\]"),
        ({"steps": [2, 4], "samples": 3}, "greater than or equal to 8"),
        ({"scale": [1, 2]}, "scale"),
    ],
)
def test_what_cannot_be_tried_is_refused_with_what_would_be_right(given, said):
    with pytest.raises(ValidationError, match=said):
        DistanceConfig.model_validate({"samples": 40, "inference": given})


def test_widths_need_something_to_be_made_from():
    trying({"ema_width": [None, 0.05]})
    with pytest.raises(ValidationError, match=r"set train\.snapshots\.count, e\.g\. to 16"):
        tiny(
            data={"source": "digits"},
            measure__distances={**ASKED, "inference": {"ema_width": [None, 0.05]}},
        )
    with pytest.raises(ValidationError, match=r"0\.1 and null are the same weights"):
        trying({"ema_width": [None, 0.1]})
    with pytest.raises(ValidationError, match="samples is 0"):
        DistanceConfig.model_validate({"inference": {"steps": [2, 4]}})


def test_the_best_is_the_least_or_greatest_and_the_cheapest_of_equals():
    assert best([3.0, 1.0, np.nan, 2.0], [1] * 4, "kid") == 1
    assert best([3.0, 1.0, np.nan, 2.0], [1] * 4, "recall") == 0
    assert best([1.0, 1.0, 1.0], [8, 4, 4], "kid") == 1
    assert best([np.nan], [1], "kid") is None


def test_the_setting_known_to_be_best_is_found_for_each_run(monkeypatch):
    """Networks that see grey images whatever the noise: x0 = b + scale (a - b) in closed form."""
    config = trying(
        {"guidance_scale": [1, 2, 4], "steps": [2, 3], "samples": 64, "select_by": "kid"},
        distances={"samples": 64},
        diffusion={"prediction": "x0"},
    )
    mean = float(load(config.data).held_out(200, 0).images.mean())

    def apply(parameters, z, _, tokens):
        told = (tokens != 0).any(axis=1)[:, None, None, None]
        return jnp.where(told, parameters["a"], parameters["b"]) + 0.1 * jnp.clip(z, -3, 3)

    monkeypatch.setattr(build, "network", lambda _: Functional(lambda _: {}, apply))
    # The mean of real images is reached at scale 2 from a = mean + 0.6, and from a = mean at 1.
    parameters = {"a": jnp.array([mean + 0.6, mean]), "b": jnp.full(2, mean + 1.2)}
    samples, _ = meters(config)
    draws = Draws(config, load(config.data))
    meter = InferenceMeter(config, samples, draws)
    fixed = samples.rows(parameters, 24)
    helped, hurt = meter.rows(lambda _: parameters, fixed, 24)
    assert "guidance_scale=2" in of(helped, "best")[0].setting
    assert "guidance_scale=1" in of(hurt, "best")[0].setting
    assert of(helped, "best")[0].value < fixed[0][0].value / 2
    # One program for each number of steps with guidance, and one without.
    assert len(draws.programs) == 4
    costs_of = {row.setting: row.value for row in helped if row.metric == EVALUATIONS}
    assert costs_of["steps=3 guidance_scale=4"] == 6
    assert costs_of["steps=3 guidance_scale=1"] == 3
    assert costs_of[""] == 4  # of the fixed setting, 4 steps unguided
    flops_of = {row.setting: row.value for row in helped if row.metric == FLOPS}
    once = costs.counts(config).forward_flops
    assert flops_of == {name: count * once for name, count in costs_of.items()}
    again = meter.rows(lambda _: parameters, fixed, 24)
    assert again == [helped, hurt]


def test_the_best_is_measured_on_as_many_sets_as_the_fixed_setting():
    config = trying({"steps": [2, 3], "samples": 24}, distances={"repeats": 2})
    samples, meter = meters(config)
    parameters = cohort_of(config)
    found = meter.rows(lambda _: parameters, samples.rows(parameters, 24), 24)
    of_best = [of(rows, "best") for rows in found]
    for place, rows in enumerate(of_best):
        steps = int(rows[0].setting.removeprefix("steps="))
        as_fixed = trying({}, distances={"repeats": 2, "steps": steps})
        alone = SampleMeter(as_fixed, load(config.data)).rows(parameters, 24)[place]
        told = [(row.metric, row.count) for row in rows]
        assert told == [(row.metric, row.count) for row in alone]
        assert [row.value for row in rows] == pytest.approx([r.value for r in alone], rel=2e-3)
    protocols = meter.protocols()
    assert {protocols[rows[0].protocol].get("repeats") for rows in of_best} == {2}
    tried = [row for rows in found for row in of(rows, "candidate")]
    assert not any("repeats" in protocols[row.protocol] for row in tried)
    of_two, of_one = (trying(GRID, distances={"repeats": k}) for k in (2, 1))
    dearest = 40 * (4 + 8)  # of the fixed setting, and of the best
    forward = costs.counts(of_one).forward_flops
    assert costs.sampling_flops(of_two) - costs.sampling_flops(of_one) == dearest * forward


def test_the_reported_value_has_no_winner_s_curse():
    """Candidates of equal quality: the least is too low, and the best's value is not."""
    least, reported, truth = [], [], []
    inference = {"guidance_scale": [1, 2, 3, 4, 5], "samples": 16}
    source = load(trying(inference).data)

    def draw(place, setting, _, seed):
        number = int(setting.changes["guidance_scale"])
        rng = np.random.default_rng([place, number, seed])
        yield 0.4 * rng.normal(size=(1, 16, 8, 8, 3)).astype(np.float32)

    config = trying(inference, distances={"samples": 16, "metrics": ["kid"], "guidance_scale": 9})
    samples = SampleMeter(config, source)
    for place in range(40):
        meter = InferenceMeter(config, samples, partial(draw, place))
        blank = samples.distance_rows(None, ["kid"], horizon=24, weights="", count=1, protocol="")
        (rows,) = meter.rows(lambda _: None, [list(blank)], 24)
        values = [row.value for row in of(rows, "candidate")]
        least.append(min(values))
        truth.append(np.mean(values))
        reported.append(of(rows, "best")[0].value)
    error = np.std(reported) / np.sqrt(len(reported))
    assert np.mean(least) < np.mean(truth) - 5 * error
    assert np.mean(reported) == pytest.approx(np.mean(truth), abs=2.5 * error)


def test_a_broken_setting_is_not_chosen_and_a_broken_run_has_no_best():
    def draw(setting, _, seed):
        images = np.random.default_rng(seed).normal(size=(2, 24, 8, 8, 3)).astype(np.float32)
        images[1] = np.nan
        if setting.changes["steps"] == 2:
            images[0] = np.inf
        yield images

    samples, meter = meters(trying({"steps": [2, 3], "samples": 24}), draw)
    labels = {"horizon": 24, "weights": "ema_0.1", "count": 40, "protocol": "0"}
    fixed = [list(samples.distance_rows(None, ["kid"], **labels)) for _ in range(2)]
    good, bad = meter.rows(lambda _: None, fixed, 24)
    assert {row.setting for row in of(good, "best")} == {"steps=3"}
    assert np.isnan([row.value for row in of(bad, "candidate")]).all()
    assert not of(bad, "best")


def test_evaluations_are_counted_as_the_samplers_count_them():
    for sampler in (DDIM(), Heun()):
        counted = costs.evaluations(sampler.name, 7)
        assert counted == SAMPLERS[sampler.name]().evaluations(7)
    given = trying(GRID).measure.distances
    forward = costs.costs(trying(GRID)).forward_flops_per_image
    # 40 of the fixed setting, 24 of each of four, and 40 of the dearest.
    images = 40 * 4 + 24 * (2 + 4 + 4 + 8) + 40 * 8
    assert given.samples == 40
    assert costs.sampling_flops(trying(GRID)) == images * forward


def test_an_attempt_takes_over_the_rows_of_every_setting(tmp_path):
    about = {"horizon": 24, "weights": "ema_0.1", "split": "held_out", "metric": "kid",
             "log_snr": None, "standard_error": 0.1, "count": 24, "protocol": "0"}  # fmt: skip
    settings = (("", ""), ("candidate", "steps=2"), ("candidate", "steps=4"), ("best", "steps=4"))
    rows = [
        Measurement(**about, value=float(place), inference=inference, setting=setting)
        for place, (inference, setting) in enumerate(settings)
    ]
    earlier, later = tmp_path / "1", tmp_path / "2"
    for directory in (earlier, later):
        directory.mkdir()
    config = trying({})
    attempt.append_rows(Member(config=config, directory=earlier), rows)
    attempt.copy_rows(Member(config=config, directory=later, earlier=(earlier,)), until=24)
    assert rows_of(later) == rows_of(earlier)
    assert rows_of(later)[0] == about | {"value": 0.0}


JUDGED = {"samples": 24, "judges": ["caption_match"], "training": 200}
BY_JUDGE = {"steps": [2, 3], "samples": 24, "select_by": "win_rate_caption_match"}


def judged(**changes) -> RunConfig:
    return trying(BY_JUDGE, measure__preference={**JUDGED, **changes})


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ({"samples": 0}, "needs pairs to judge; set measure.preference.samples"),
        ({"judges": ["real_or_generated"]}, r"none of measure\.preference\.judges \(real_or_gen"),
        ({"sampling": {"steps": 7}}, "leave measure.preference.sampling out"),
    ],
)
def test_a_judge_that_chooses_must_judge_what_is_measured(pairs, said):
    with pytest.raises(ValidationError, match=said):
        judged(**pairs)


def test_a_judge_chooses_the_setting_that_it_prefers_by_pairs_of_its_own(monkeypatch):
    """One setting draws the real images themselves, brighter; the other noise."""
    monkeypatch.setattr(preference, "shipped", network)
    config, asked = judged(), []
    source = load(config.data)

    def draw(setting, _, seed):
        images = source.held_out(24, seed).images[None].repeat(2, axis=0).clip(-1, 0.9)
        noise = np.random.default_rng(seed).normal(size=images.shape).astype(np.float32)
        asked.append((setting.name, seed))
        yield np.stack(
            [images[0], noise[1]] if setting.name == "steps=2" else [noise[0], images[1]]
        )

    by = PreferenceMeter(config, source)
    samples = SampleMeter(config, source)
    meter = InferenceMeter(config, samples, draw, by)
    fixed = [
        list(samples.distance_rows(None, ["kid"], horizon=24, weights="", count=1, protocol=""))
    ] * 2
    found = meter.rows(lambda _: None, fixed, 24)
    for run, rows in enumerate(found):
        tried = {row.setting: row.value for row in of(rows, "candidate")}
        assert {row.metric for row in of(rows, "candidate")} == {"win_rate_caption_match"}
        best_of = {row.metric: row for row in of(rows, "best")}
        assert best_of["kid"].setting == max(tried, key=tried.__getitem__) == f"steps={2 + run}"
        assert best_of["win_rate_caption_match"].count == 24
        assert best_of["win_rate_caption_match"].value == pytest.approx(0.5, abs=0.25)
        (protocol,) = {row.protocol for row in best_of.values()}
        assert (
            meter.protocols()[protocol]["inference"]["chosen"] == "greatest win_rate_caption_match"
        )
        assert "caption_match" in meter.protocols()[protocol]["judges"]
    # The choice looked at other pairs than the value.
    assert {seed for _, seed in asked} == {0, 1}


@pytest.mark.slow
def test_a_run_records_candidates_and_the_best_of_widths_too(tmp_path):
    config = trying({"guidance_scale": [1, 2], "ema_width": [None, 0.05], "samples": 24})
    members = []
    for place in range(2):
        (tmp_path / str(place)).mkdir()
        other = RunConfig.model_validate({**config.model_dump(), "seed": place})
        members.append(Member(config=other, directory=tmp_path / str(place)))
    run_cohort(members, execution=PATIENT)
    protocols = json.loads((tmp_path / "0" / "protocols.json").read_text())
    found = [row for row in rows_of(tmp_path / "0") if row.get("inference")]
    tried = [row for row in found if row["inference"] == "candidate" and row["metric"] == "kid"]
    assert {row["weights"] for row in tried} == {"ema_0.1", "ema_0.05"}
    assert len(tried) == 4
    assert all("inference" not in row for row in rows_of(tmp_path / "0") if row not in found)
    (kid,) = (r for r in found if r["inference"] == "best" and r["metric"] == "kid")
    least = min(tried, key=lambda row: row["value"])
    assert kid["setting"] == least["setting"]
    assert kid["count"] == 40
    told = protocols[kid["protocol"]]["inference"]
    assert told["chosen"] == "least kid"
    assert set(told["candidates"]) == {row["setting"] for row in tried}
    (other,) = (
        row
        for row in rows_of(tmp_path / "1")
        if row.get("inference") == "best" and row["metric"] == "kid"
    )
    assert other["protocol"] == kid["protocol"]
