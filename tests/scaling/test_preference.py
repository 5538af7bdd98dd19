"""Preference as a measurement of runs: rows, controls, and the pictures that are kept."""

import json

import jax
import numpy as np
import pytest
from pydantic import ValidationError

from scaling.config import RunConfig, run_id
from scaling.config.horizons import horizons
from scaling.costs import sampling_flops
from scaling.data.facts import catalogue
from scaling.data.source import load
from scaling.errors import InputError
from scaling.measure import preference
from scaling.measure.preference import PreferenceMeter
from scaling.measure.sample_metrics import SampleMeter
from scaling.measure.sample_protocols import REAL
from scaling.preference import pictures
from scaling.train.program import make_program
from tests.scaling.conftest import rows_of, tiny
from tests.scaling.pictures_network import network
from tests.scaling.test_sample_metrics import NETWORK

DISTANCES = {"samples": 24, "references": 32, "network": NETWORK, "steps": 3, "metrics": ["kid"]}
ASKED = {"samples": 32, "training": 200}
JUDGES = ("real_or_generated", "caption_match")


@pytest.fixture(autouse=True)
def a_cheap_eye(tmp_path, monkeypatch):
    monkeypatch.setenv("SCALING_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(preference, "shipped", network)


def digits(distances=DISTANCES, **changes) -> RunConfig:
    return tiny(
        data={"source": "digits"},
        measure__distances=distances,
        measure__preference={**ASKED, **changes},
        measure__samples={"count": 0},
    )


def test_a_run_has_a_rate_and_a_control_for_each_judge_and_keeps_its_pairs(train):
    config = digits()
    (directory,), _ = train(config)
    found = [row for row in rows_of(directory) if row["metric"].startswith("win_rate")]
    assert {(row["metric"], row["weights"]) for row in found} == {
        (f"win_rate_{judge}", weights) for judge in JUDGES for weights in ("ema_0.1", REAL)
    }
    protocols = json.loads((directory / "protocols.json").read_text())
    for row in found:
        assert row["standard_error"] > 0
        assert protocols[row["protocol"]]["judge"]["judge"] in row["metric"]
        if row["weights"] == REAL:
            assert abs(row["value"] - 0.5) < 3 * row["standard_error"]
    of_run = {row["metric"]: row for row in found if row["weights"] != REAL}
    assert of_run["win_rate_real_or_generated"]["value"] < 0.2  # it has hardly been trained
    kept = pictures.load({"run": directory / "samples" / "preference-24.npz"})
    known = catalogue(config.data)
    names = dict(zip(known.ids.tolist(), known.captions, strict=True))
    assert kept.captions == tuple(names[int(i)] for i in kept.ids)
    assert kept.generated["run"].shape == kept.real.shape == (32, 8, 8, 3)
    with np.load(directory / "samples" / "preference-24.npz") as archive:
        for judge in JUDGES:  # each pair's verdict, whose mean is the rate
            verdicts = archive[f"points_{judge}"]
            assert verdicts.mean() == of_run[f"win_rate_{judge}"]["value"]
    again = train(config, earlier=[directory])[0][0]  # finished: nothing is measured anew
    assert (again / "samples" / "preference-24.npz").exists()


def cohort_of(config):
    parameters = make_program(config, load(config.data)).init(np.zeros(2, np.int32)).parameters
    rng = np.random.default_rng(0)
    return jax.tree.map(
        lambda leaf: leaf + 0.1 * rng.normal(size=leaf.shape).astype(np.float32), parameters
    )


@pytest.mark.parametrize("repeats", [1, 2])
def test_images_of_distances_are_drawn_once_and_are_those_drawn_alone(repeats):
    given = {**DISTANCES, "repeats": repeats}
    config, alone = digits(distances=given), digits(sampling={"steps": 3}, distances={})
    source, parameters = load(config.data), cohort_of(config)
    meter, keeper = PreferenceMeter(config, source), PreferenceMeter(config, source).keeper()
    assert meter._sampler is None
    (first, _) = SampleMeter(config, source).rows(parameters, 24, keeper)
    assert first[0].count == 24  # of the 32 drawn
    own = PreferenceMeter(alone, source)
    for here, there in zip(
        meter.found(parameters, keeper, 24), own.found(parameters, own.keeper(), 24), strict=True
    ):
        assert here.archive is not None
        assert there.archive is not None
        apart = here.archive["images"].astype(int) - there.archive["images"]
        assert np.abs(apart).max() <= 1
        assert np.mean(apart != 0) < 0.01
        for shared, drawn in zip(here.rows, there.rows, strict=True):
            assert shared.value == pytest.approx(drawn.value, abs=2 / 32)
            assert shared.protocol == drawn.protocol


@pytest.mark.slow
def test_rates_at_every_horizon_end_in_those_of_the_last_alone(train):
    """Whether or not the images of measure.distances, at the last horizon alone, are the same."""
    once, every = digits(), digits(horizons="all")
    assert "horizons" not in once.model_dump()["measure"]["preference"]
    assert run_id(once) != run_id(every)
    (alone,), _ = train(once)
    (directory,), _ = train(every)
    found, last = (
        {
            (row["horizon"], row["metric"]): row["value"]
            for row in rows_of(where)
            if row["metric"].startswith("win_rate") and row["weights"] != REAL
        }
        for where in (directory, alone)
    )
    stops = horizons(every.measure.horizons, every.train.steps)
    assert found.keys() == {(stop, f"win_rate_{judge}") for stop in stops for judge in JUDGES}
    assert {key: found[key] for key in last} == last
    controls = [row for row in rows_of(directory) if row["weights"] == REAL]
    assert {row["horizon"] for row in controls} == {stops[-1]}
    assert [p.name for p in (directory / "samples").iterdir()] == [f"preference-{stops[-1]}.npz"]
    assert sampling_flops(every) == sampling_flops(once) + (len(stops) - 1) * sampling_flops(
        digits(distances={}, sampling={"steps": 3})
    )


def test_an_image_that_is_not_finite_gives_no_number_and_no_pairs():
    config = digits(distances={})
    meter = PreferenceMeter(config, load(config.data))
    parameters = cohort_of(config)
    broken = jax.tree.map(lambda leaf: leaf.at[1].set(np.nan), parameters)
    good, bad = meter.found(broken, meter.keeper(), 24)
    assert good.archive is not None
    assert bad.archive is None
    assert all(np.isnan(row.value) for row in bad.rows)


def test_a_run_that_compares_nothing_is_what_it_was_before_there_was_anything_to_compare():
    plain, off = digits(samples=0), tiny(data={"source": "digits"}, measure__distances=DISTANCES)
    off = off.model_copy(update={"measure": plain.measure})
    assert "preference" not in plain.model_dump()["measure"]
    assert run_id(plain) == run_id(off) != run_id(digits())
    assert RunConfig.model_validate(digits().model_dump()) == digits()


BRIGHTER = """
def brighter(sign: float = 1.0):
    return lambda images, captions: sign * images.mean(axis=(1, 2, 3))

def few():
    return lambda images, captions: [0.5]
"""


def test_a_judge_of_the_users_own_file(tmp_path):
    file = tmp_path / "eyes.py"
    file.write_text(BRIGHTER)
    asked = {"name": "file", "function": f"{file}:brighter"}
    config = digits(distances={}, judges=[asked | {"parameters": {"sign": -1.0}}, "caption_match"])
    assert run_id(config) != run_id(digits(distances={}, judges=[asked, "caption_match"]))
    meter = PreferenceMeter(config, load(config.data))
    found = meter.found(cohort_of(config), meter.keeper(), 24)[0]
    kept = found.archive
    assert kept is not None
    light = [kept[side].mean(axis=(1, 2, 3)) for side in ("images", "real")]
    row = next(row for row in found.rows if row.metric == "win_rate_brighter")
    assert row.value == np.mean(0.5 + 0.5 * np.sign(light[1] - light[0]))
    control = next(iter(meter.control_rows(24)))
    assert control.metric == row.metric
    assert control.standard_error is not None
    assert abs(control.value - 0.5) < 3 * control.standard_error


def test_a_users_judge_that_does_not_score_every_image_is_refused(tmp_path):
    file = tmp_path / "eyes.py"
    file.write_text(BRIGHTER)
    config = digits(distances={}, judges=[{"name": "file", "function": f"{file}:few"}])
    meter = PreferenceMeter(config, load(config.data))
    with pytest.raises(InputError, match="of 32 images the score must be 32 finite numbers"):
        meter.found(cohort_of(config), meter.keeper(), 24)


def test_images_drawn_for_distances_cost_nothing_more():
    fewer, alone = {**DISTANCES, "samples": 8}, digits(distances={}, sampling={"steps": 3})
    assert sampling_flops(digits(distances=fewer)) == sampling_flops(alone)
    assert sampling_flops(digits(sampling={"steps": 9})) > 4 * sampling_flops(alone) * 24 / 32


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"samples": 15}, "must be 0 for none, or at least 16, not 15"),
        ({"judges": ["pickscor"]}, "did you mean .pickscore.*real_or_generated"),
        ({"judges": ["caption_match"] * 2}, "'caption_match' is given 2 times"),
        ({"samples": 400}, "400 pairs need as many held-out images, and there are 373"),
        ({"sampling": {"guidance_interval": [1.0, 0.0]}}, r"must be written as \[low, high\]"),
    ],
)
def test_wrong_settings_are_refused_with_what_would_be_right(given, said):
    with pytest.raises(ValidationError, match=said):
        digits(**given)


def test_only_pictures_can_be_compared():
    with pytest.raises(ValidationError, match="mixture data are none"):
        tiny(measure__preference=ASKED)
