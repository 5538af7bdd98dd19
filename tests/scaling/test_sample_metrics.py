"""Distances of samples as measurements of runs."""

import json
from pathlib import Path

import jax
import numpy as np
import pytest
from pydantic import ValidationError

from scaling.config import RunConfig, run_id
from scaling.config.distance_metrics import DESCRIPTIVE
from scaling.config.distances import FEWEST, DistanceConfig, DistanceMetric
from scaling.config.horizons import sampled_at
from scaling.costs import sampling_flops
from scaling.data.source import load
from scaling.measure.distances import metrics
from scaling.measure.distances.gaussianity import gaussianity
from scaling.measure.distances.shape import beyond_gaussian
from scaling.measure.kept_features import features_of
from scaling.measure.sample_metrics import SampleMeter
from scaling.measure.sample_protocols import REAL
from scaling.measure.samples import make_block_sampler, to_uint8
from scaling.run import Member, run_cohort
from scaling.train.program import make_program
from tests.scaling.conftest import PATIENT, rows_of, tiny, values_of
from tests.scaling.pictures_network import network

NETWORK = f"{Path(__file__).with_name('pictures_network.py')}:network"
ASKED = {
    "samples": 90,
    "references": 128,
    "network": NETWORK,
    "steps": 4,
    "metrics": ["kid", "fd", "fd_infinite", "precision"],
}


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SCALING_CACHE", str(tmp_path / "cache"))


def digits(**changes) -> RunConfig:
    return tiny(**{"data": {"source": "digits"}, "measure__distances": ASKED, **changes})


def distances(**changes) -> RunConfig:
    return digits(measure__distances={**ASKED, **changes})


def cohort_of(config):
    """The parameters of two runs, neither trained but both moved from where they began."""
    program = make_program(config, load(config.data))
    parameters = program.init(np.zeros(2, np.int32)).parameters
    rng = np.random.default_rng(0)
    return jax.tree.map(
        lambda leaf: leaf + 0.1 * rng.normal(size=leaf.shape).astype(np.float32), parameters
    )


@pytest.fixture(scope="module")
def cohort():
    return cohort_of(digits())


@pytest.fixture(scope="module")
def meter():
    """Compiled once for all that look at it."""
    return SampleMeter(digits(), load(digits().data))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    directory = tmp_path_factory.mktemp("samples")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCALING_CACHE", str(directory / "cache"))
        run_cohort([Member(config=digits(), directory=directory)], execution=PATIENT)
    return directory


def of_samples(directory):
    return [row for row in rows_of(directory) if row["metric"] in ASKED["metrics"]]


def test_shares_of_the_samples_are_kept_for_the_line_to_the_limit(trained):
    rows = [row for row in rows_of(trained) if row["metric"].startswith("fd/")]
    for weights in (REAL, "ema_0.1"):
        own = [row for row in rows if row["weights"] == weights]
        assert [row["metric"] for row in own] == ["fd/1", "fd/2", "fd/3", "fd/4"]
        assert [row["count"] for row in own] == [90, 45, 30, 22]
        values = [row["value"] for row in own]
        limit = np.polyfit([1, 2, 3], values[:3], 1)[1]
        of_all = {row["metric"]: row for row in of_samples(trained) if row["weights"] == weights}
        assert values[0] == of_all["fd"]["value"]
        assert limit == pytest.approx(of_all["fd_infinite"]["value"], rel=1e-9)


def test_a_run_has_a_row_for_each_metric_and_one_for_real_images(trained):
    found = of_samples(trained)
    assert {(row["metric"], row["weights"]) for row in found} == {
        (metric, weights) for metric in ASKED["metrics"] for weights in ("ema_0.1", REAL)
    }
    assert len(found) == 8
    assert {row["horizon"] for row in found} == {24}
    assert {row["count"] for row in found} == {90}
    assert all(row["standard_error"] > 0 for row in found)
    protocols = json.loads((trained / "protocols.json").read_text())
    ours = {row["weights"]: protocols[row["protocol"]] for row in found}
    assert ours["ema_0.1"]["sampling"]["steps"] == 4
    assert ours["ema_0.1"]["features"]["network_sha256"] == network().sha256
    assert ours[REAL]["references"] == 128


def test_real_images_in_the_samples_place_are_at_no_distance_and_a_bad_model_is(trained):
    by_weights = {
        weights: {row["metric"]: row for row in of_samples(trained) if row["weights"] == weights}
        for weights in ("ema_0.1", REAL)
    }
    kid = by_weights[REAL]["kid"]
    assert abs(kid["value"]) < 2.5 * kid["standard_error"]
    assert by_weights["ema_0.1"]["kid"]["value"] > 10 * kid["standard_error"]
    assert by_weights[REAL]["fd"]["value"] > by_weights[REAL]["fd_infinite"]["value"]


def test_kid_of_the_control_covers_zero_as_often_as_it_says():
    """Over other references and training images: an interval of 95 % misses 1 in 20."""
    inside = 0
    for seed in range(8):
        meter = SampleMeter(config := distances(seed=seed), load(config.data))
        (kid,) = (row for row in meter.control_rows(0) if row.metric == "kid")
        assert kid.standard_error is not None
        inside += abs(kid.value) < 1.96 * kid.standard_error
    assert inside >= 6


def test_values_are_of_the_images_that_a_sampler_draws_in_blocks_of_any_size(meter, cohort):
    config = digits()
    held_out = load(config.data).held_out
    drawn = make_block_sampler(
        config, config.measure.distances.drawing, held_out(90, 0).tokens, images_at_once=7
    )
    images = to_uint8(np.concatenate(list(drawn(cohort)), axis=1))
    real = features_of(to_uint8(held_out(128, 0).images), network(), "real")
    found = meter.rows(cohort, 24)
    for own, of_run in zip(images, found, strict=True):
        made = features_of(own, network(), "drawn")
        pair = metrics.Pair(real=real, generated=made, logits=None)
        expected = metrics.measure(pair, [*ASKED["metrics"], *metrics.SHARES])
        for row in of_run:
            assert row.value == pytest.approx(expected[row.metric].value, rel=2e-3)
    assert found[0][0].value != found[1][0].value


def test_what_a_frechet_distance_cannot_see_is_recorded_as_the_command_tells_it(cohort):
    """Of the runs and of real images in their place; the test has three numbers and no interval."""
    asked = ["fd", "beyond_gaussian", "gaussianity"]
    meter = SampleMeter(config := distances(metrics=asked), load(config.data))
    names = ("fd", metrics.BEYOND, *metrics.GAUSSIANITY)
    (drawn, _), control = meter.rows(cohort, 24), list(meter.control_rows(24))
    assert tuple(row.metric for row in drawn) == tuple(row.metric for row in control) == names
    images = np.concatenate(list(make_block_sampler(
        config, config.measure.distances.drawing, load(config.data).held_out(90, 0).tokens
    )(cohort)), axis=1)  # fmt: skip
    training = load(config.data).train_sample(90, 0).images
    real = features_of(to_uint8(load(config.data).held_out(128, 0).images), network(), "real")
    for rows, pictures in ((drawn, images[0]), (control, training)):
        made = features_of(to_uint8(pictures), network(), "made")
        of = {row.metric: row for row in rows}
        told, beyond = beyond_gaussian(real, made), of[metrics.BEYOND]
        if told is None:
            assert np.isnan(beyond.value)
        else:
            assert min(max(beyond.value, 0), 1) == pytest.approx(told.value, rel=1e-3)
            assert beyond.standard_error is not None and beyond.standard_error > 0
        test = gaussianity(made)
        found = [of[name].value for name in metrics.GAUSSIANITY]
        assert found == pytest.approx([test.p_value, test.skewness, test.kurtosis], rel=1e-3)
        assert [of[name].standard_error for name in metrics.GAUSSIANITY] == [None] * 3
    broken = meter.distance_rows(None, asked, horizon=24, weights="raw", count=90, protocol="0")
    assert [(row.metric, np.isnan(row.value)) for row in broken] == [(n, True) for n in names]


def test_sets_are_stretches_of_one_sequence_of_images_whose_first_is_drawn_anyway(meter, cohort):
    """Each with captions and noise of its own; values are means, as their protocol says."""
    config = distances(repeats=2)
    repeated = SampleMeter(config, source := load(config.data))
    drawn = make_block_sampler(
        config, config.measure.distances.drawing, source.held_out(180, 0).tokens
    )
    images = to_uint8(np.concatenate(list(drawn(cohort)), axis=1))
    real = features_of(to_uint8(source.held_out(128, 0).images), network(), "real")
    once, found = meter.rows(cohort, 24), repeated.rows(cohort, 24)
    for own, of_run, of_one in zip(images, found, once, strict=True):
        each = [features_of(own[place : place + 90], network(), "drawn") for place in (0, 90)]
        asked = [*ASKED["metrics"], *metrics.SHARES]
        sets = [
            metrics.measure(metrics.Pair(real=real, generated=made, logits=None), asked)
            for made in each
        ]
        for row, first in zip(of_run, of_one, strict=True):
            assert row.count == first.count
            assert row.value == pytest.approx(
                np.mean([of[row.metric].value for of in sets]), rel=2e-3
            )
            assert first.value == pytest.approx(sets[0][row.metric].value, rel=2e-3)
    (told,) = (p for p in repeated.protocols().values() if p["images"] == "samples")
    (plain,) = (p for p in meter.protocols().values() if p["images"] == "samples")
    assert told == plain | {"repeats": 2}
    assert list(repeated.control_rows(24)) == list(meter.control_rows(24))


def test_one_set_is_what_a_run_was_before_there_could_be_more():
    assert run_id(distances(repeats=1)) == run_id(digits())
    assert "repeats" not in distances(repeats=1).model_dump()["measure"]["distances"]
    more = distances(repeats=3)
    assert run_id(more) != run_id(digits())
    assert RunConfig.model_validate(more.model_dump(mode="json")) == more
    assert sampling_flops(more) == 3 * sampling_flops(digits())


def test_the_last_block_may_be_a_single_image(meter):
    """As of 65 samples, drawn 64 at once."""
    images = np.random.default_rng(0).uniform(-1, 1, size=(1, 65, 8, 8, 1))
    (features,) = meter.features(iter([images[:, :64], images[:, 64:]]), [0])
    np.testing.assert_allclose(
        features, features_of(to_uint8(images[0]), network(), "drawn"), rtol=1e-5
    )


def test_measured_again_by_another_process_s_meter_it_gives_the_same_bits(meter, cohort):
    again = SampleMeter(digits(), load(digits().data))
    assert again.rows(cohort, 24) == meter.rows(cohort, 24)
    assert list(again.control_rows(24)) == list(meter.control_rows(24))


def test_noise_and_captions_are_common_to_runs(meter, cohort):
    same = jax.tree.map(lambda leaf: leaf[:1].repeat(2, axis=0), cohort)
    first, second = meter.rows(same, 24)
    assert first == second


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_same_rows(train):
    class Killed(Exception):
        pass

    def kill(progress):
        if progress.phase == "sample":
            raise Killed

    config = digits(measure__samples={"count": 2, "steps": 2})
    (whole,), _ = train(config)
    with pytest.raises(Killed):
        train(config, progress=kill)
    (again,), _ = train(config, earlier=[whole.with_name("attempt-1")])
    assert values_of(again) == values_of(whole)


def test_samples_are_drawn_at_the_steps_asked_for_and_at_the_last():
    for asked, due in {"last": [24], "all": [6, 12, 24], (6,): [6, 24], (): [24]}.items():
        config = distances(horizons=asked)
        assert list(sampled_at(config.measure, 24)) == due
        assert sampling_flops(config) == len(due) * sampling_flops(distances())
    with pytest.raises(ValidationError, match=r"has step 7, and runs are measured at 6, 12, 24"):
        distances(horizons=[6, 7])


@pytest.mark.slow
@pytest.mark.parametrize(("asked", "found"), [("all", {6, 12, 24}), ([12], {12, 24})])
def test_chosen_horizons_are_measured(train, asked, found):
    (directory,), _ = train(distances(horizons=asked))
    of = {w: {r["horizon"] for r in of_samples(directory) if r["weights"] == w}
          for w in ("ema_0.1", REAL)}  # fmt: skip
    assert of["ema_0.1"] == found
    assert of[REAL] == {24}


def test_an_image_that_is_not_finite_gives_no_number(meter, cohort):
    broken = jax.tree.map(lambda leaf: leaf.at[1].set(np.nan), cohort)
    good, bad = meter.rows(broken, 24)
    assert good == meter.rows(cohort, 24)[0]
    assert all(np.isnan(row.value) for row in bad)
    assert [row.metric for row in good] == [row.metric for row in bad]


def test_more_samples_than_held_out_captions_begin_again():
    meter = SampleMeter(config := distances(samples=800), load(config.data))
    told = load(config.data).held_out(800, 0).tokens
    assert len(told) == 373
    np.testing.assert_array_equal(meter._tokens[373:746], told)


def test_nothing_is_measured_unless_asked():
    config = digits(measure__distances={})
    meter = SampleMeter(config, load(config.data))
    assert not meter.protocols()
    assert not meter.due(24)


def test_the_configuration_knows_every_metric_but_the_one_without_references():
    of_distance = {*metrics.METRICS} - {metrics.CLASSIFIED}
    assert {*DistanceMetric.__args__} == of_distance | DESCRIPTIVE
    assert FEWEST == metrics.FEWEST


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"samples": 7}, "must be 0 for none, or at least 8, not 7"),
        ({"metrics": ["kid", "fd", "kid"]}, "'kid' is given 2 times"),
        ({"metrics": ["fid"]}, "kid"),
        ({"horizons": "lst"}, r"must be last, all or a list of steps, .*, not 'lst'"),
        ({"horizons": [6, "a"]}, r"must be last, all or a list of steps, .*, not \[6, 'a'\]"),
        ({"network": "inception"}, "there are: efficientnet_lite0"),
        ({"network": "nowhere.onnx"}, "needs the file 'nowhere.onnx', which there is not"),
        ({"guidance_interval": [1.0, 0.0]}, r"must be written as \[low, high\]"),
    ],
)
def test_wrong_settings_are_refused_with_what_would_be_right(given, said):
    with pytest.raises(ValidationError, match=said):
        DistanceConfig.model_validate(given)


def test_only_pictures_have_them():
    with pytest.raises(ValidationError, match="mixture data are none"):
        tiny(measure__distances=ASKED)


def test_a_network_s_file_is_part_of_what_a_run_is(tmp_path):
    file = tmp_path / "own.py"
    file.write_text("def network(): ...")
    first = distances(network=f"{file}:network")
    file.write_text("def network(): return 1")
    assert run_id(first) != run_id(distances(network=f"{file}:network"))
    with pytest.raises(ValidationError, match="has changed"):
        RunConfig.model_validate(first.model_dump())
