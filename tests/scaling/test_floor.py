"""The measured floor of finite data: its rows, its draws and its place on disk."""

import json

import jax.numpy as jnp
import numpy as np
import pytest
from pydantic import ValidationError

from models.diffusion.predictions import error_ratio
from scaling import build
from scaling.data.source import load
from scaling.measure import floor
from scaling.measure.meter import Meter
from scaling.measure.rows import mean_and_error
from tests.scaling.conftest import rows_of, tiny


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SCALING_CACHE", str(tmp_path / "cache"))


def digits(**changes):
    return tiny(**{"data": {"source": "digits"}, "measure__train_examples": 64, **changes})


GRID = [-8, -5, -3, -2, -1, -0.5, 0, 0.5, 1, 2, 3, 5, 8]


EMOJI = {"source": "emoji", "size": 16}


@pytest.mark.parametrize(
    ("data", "examples", "conditional", "seed"),
    [
        ({"source": "digits"}, 256, False, 0),
        ({"source": "digits"}, 256, True, 1),
        pytest.param(EMOJI, 128, False, 2, marks=pytest.mark.slow),
    ],
)
def test_nested_agrees_with_exact(data, examples, conditional, seed):
    """Within three of its own standard errors, and four of the difference, at every level."""
    found = {}
    for method in ("exact", "nested"):
        config = tiny(
            data=data,
            measure__floor={"method": method, "conditional": conditional},
            measure__log_snr=[float(level) for level in GRID],
            measure__seed=seed,
        )
        source = load(config.data)
        found[method] = floor.compute(config, source, source.train_sample(examples, seed))
    value, error = mean_and_error(found["nested"])
    assert (np.abs(value - found["exact"].mean(0)) < 3 * error + 1e-9).all()
    apart, spread = mean_and_error(found["nested"] - found["exact"])
    assert (np.abs(apart) < 4 * spread + 1e-6).all()


def test_the_ends_are_the_data_variance_and_nothing_and_classes_lower_the_floor():
    config = digits(
        measure__log_snr=[-20.0, 0.0, 12.0],
        measure__train_examples=400,
        measure__floor={"method": "exact", "conditional": False},
    )
    source = load(config.data)
    sample = source.train_sample(400, 0)
    found = floor.compute(config, source, sample).mean(0)
    images = np.asarray(source.arrays.images, np.float64) / 127.5 - 1
    np.testing.assert_allclose(found[0], np.mean((sample.images - images.mean(0)) ** 2), rtol=1e-3)
    assert found[2] < 1e-6
    by_class = digits(measure__log_snr=[-20.0, 0.0, 12.0], measure__floor={"method": "exact"})
    conditional = floor.compute(by_class, source, sample).mean(0)
    assert (conditional[:2] < found[:2]).all()


def test_the_same_floor_whatever_the_process_in_the_units_of_the_error():
    floors = {}
    for process in ("variance_preserving", "linear"):
        config = digits(
            diffusion={"process": {"name": process}},
            measure__error="x0",
            measure__floor={"method": "exact"},
        )
        floors[process] = Meter(config, load(config.data)).splits["train"].floor
    np.testing.assert_allclose(*floors.values(), rtol=1e-5)
    config = digits(measure__floor={"method": "exact"})
    meter = Meter(config, load(config.data))
    assert meter.splits["train"].floor is not None
    ratio = error_ratio(build.process(config.diffusion), "x0", "v", jnp.asarray(meter.log_snr))
    expected = floors["linear"] * np.asarray(ratio)
    np.testing.assert_allclose(meter.splits["train"].floor, expected, rtol=1e-5)


def test_a_stored_floor_is_read_again_and_a_torn_one_is_made_again(monkeypatch):
    config = digits(measure__floor={"method": "exact"})
    source = load(config.data)
    sample = source.train_sample(64, 0)
    first = floor.floor(config, source, sample)
    (path,) = floor.cache_directory("floors").iterdir()
    with monkeypatch.context() as patched:
        patched.setattr(floor, "compute", None)
        np.testing.assert_array_equal(floor.floor(config, source, sample), first)
    path.write_bytes(path.read_bytes()[:100])
    np.testing.assert_array_equal(floor.floor(config, source, sample), first)
    other = digits(measure__floor={"method": "exact", "conditional": False})
    assert (floor.floor(other, source, sample) != first).any()
    assert len(list(floor.cache_directory("floors").iterdir())) == 2


def test_the_mixture_is_refused_with_advice():
    with pytest.raises(ValidationError, match="closed form"):
        tiny(measure__floor={"method": "exact"})


def test_a_floor_without_training_examples_is_refused():
    with pytest.raises(ValidationError, match="train_examples is 0"):
        digits(measure__floor={"method": "exact"}, measure__train_examples=0)


@pytest.mark.slow
def test_rows_of_a_run_name_the_method_and_are_paired(train):
    config = digits(measure__floor={"method": "exact"})
    (directory,), _ = train(config)
    rows = [row for row in rows_of(directory) if row["split"] == "train"]
    optimal = {(row["metric"], row["log_snr"]): row for row in rows if row["weights"] == "optimal"}
    excess = [row for row in rows if row["metric"].endswith("excess_loss")]
    assert {row["metric"] for row in excess} >= {"excess_loss", "importance_weighted_excess_loss"}
    losses = {(r["horizon"], r["weights"], r["metric"], r["log_snr"]): r["value"] for r in rows}
    for row in excess:
        metric = row["metric"].replace("excess_", "")
        loss = losses[row["horizon"], row["weights"], metric, row["log_snr"]]
        least = optimal[metric, row["log_snr"]]
        assert row["value"] == pytest.approx(loss - least["value"], rel=1e-4, abs=1e-6)
        assert row["protocol"] == least["protocol"]
    protocols = json.loads((directory / "protocols.json").read_text())
    assert protocols[excess[0]["protocol"]]["floor"] == {"method": "exact", "conditional": True}
    assert not [
        r for r in rows_of(directory) if r["split"] == "held_out" and "excess" in r["metric"]
    ]
