"""A run is a pure function of its configuration, however it is cut, stacked or interrupted."""

import socket

import numpy as np
import pytest
from numpy.testing import assert_allclose

from scaling import checkpoint
from scaling.config import RunConfig
from scaling.config.cohort import cohort_key
from scaling.costs import costs
from scaling.devices import DEVICES, Device
from scaling.run import Execution, LostClaim, Member, Preempted, run_cohort
from sweeps.manifest import load
from tests.scaling.conftest import rows_of, tiny, values_of


def test_the_same_numbers_whatever_the_steps_per_call(train):
    (one,), _ = train(tiny())
    (other,), _ = train(tiny(), execution=Execution(steps_per_call=50))
    assert values_of(one) == values_of(other)


def test_a_cohort_gives_the_numbers_of_its_runs_one_by_one(train):
    configs = [tiny(seed=3), tiny(train__learning_rate=1e-3), tiny(train__weight_decay=0.1)]
    assert len({cohort_key(config) for config in configs}) == 1
    together, _ = train(*configs)
    for config, directory in zip(configs, together, strict=True):
        (alone,), _ = train(config)
        expected = values_of(alone)
        found = values_of(directory)
        assert found.keys() == expected.keys()
        assert_allclose([found[k] for k in expected], list(expected.values()), rtol=1e-4)
    assert values_of(together[0]) != values_of(together[1])


def smallest_of_the_quickstart(place):
    """Four seeds of one of its rungs, for a few steps."""
    rungs = {run.config.model.rung: run.config for run in load("quickstart").runs}
    given = list(rungs.values())[place].model_dump(mode="json")
    given["train"] |= {"steps": 6}
    given["measure"] = {
        "horizons": {"first": 3, "count": 2},
        "held_out_examples": 32,
        "train_examples": 16,
        "samples": {"count": 0},
    }
    return [RunConfig.model_validate({**given, "seed": seed}) for seed in range(4)]


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.parametrize("place", [0, 1])
def test_a_cohort_of_the_quickstart_gives_the_numbers_of_its_runs_one_by_one(train, place):
    configs = smallest_of_the_quickstart(place)
    together, _ = train(*configs)
    for config, directory in zip(configs, together, strict=True):
        (alone,), _ = train(config)
        expected, found = values_of(alone), values_of(directory)
        assert found.keys() == expected.keys()
        assert_allclose([found[k] for k in expected], list(expected.values()), rtol=1e-4)


def test_programs_that_differ_have_different_cohort_keys():
    base = cohort_key(tiny())
    for other in (tiny(train__batch_size=8), tiny(model__rung="40k"), tiny(train__ema=[0.05])):
        assert cohort_key(other) != base


class Stop(Exception):
    """A worker's death at a chosen moment."""


@pytest.mark.parametrize(
    "moment",
    [
        ("train", 10),
        pytest.param(("measure", 12), marks=pytest.mark.slow),
        pytest.param(("sample", 24), marks=pytest.mark.slow),
    ],
)
def test_resumed_after_preemption_to_the_same_bits(train, moment):
    phase, step = moment
    (undisturbed,), _ = train(tiny())
    directories = []

    def interrupt(progress):
        if (progress.phase, progress.step) == (phase, step) or (
            phase == "train" and progress.phase == "train" and progress.step >= step
        ):
            raise Preempted

    with pytest.raises(Preempted):
        train(tiny(), progress=interrupt)
    attempt = undisturbed.parent / "attempt-1"
    assert checkpoint.steps(attempt / "checkpoints")
    directories.append(attempt)
    (resumed,), (outcome,) = train(tiny(), earlier=directories)
    assert outcome.trained_steps < 24
    assert values_of(resumed) == values_of(undisturbed)
    images = [np.load(d / "samples" / "24.npz")["images"] for d in (undisturbed, resumed)]
    assert (images[0] == images[1]).all()


@pytest.mark.slow
def test_frequent_checkpoints_change_nothing_and_only_the_last_are_kept(train):
    (plain,), _ = train(tiny())
    (often,), _ = train(tiny(), execution=Execution(steps_per_call=5, checkpoint_seconds=0.0))
    assert values_of(often) == values_of(plain)
    assert len(checkpoint.steps(often / "checkpoints")) == checkpoint.KEEP


def test_rows_are_complete(train):
    (directory,), (outcome,) = train(tiny())
    rows = rows_of(directory)
    keys = {(r["horizon"], r["weights"], r["split"], r["metric"], r["log_snr"]) for r in rows}
    assert len(keys) == len(rows)
    assert {r["horizon"] for r in rows} == {6, 12, 24}
    held_out = [r for r in rows if r["split"] == "held_out" and r["horizon"] == 24]
    assert {r["weights"] for r in held_out} == {"raw", "ema_0.1", "closed_form"}
    assert {r["log_snr"] for r in held_out if r["metric"] == "loss"} == {-4.0, -1.0, 0.0, 1.0, 4.0}
    assert outcome.status == "finished"


def test_a_run_that_is_no_longer_finite_ends_as_diverged_and_the_others_go_on(train):
    wild = tiny(train__learning_rate=1e30, train__weight_decay=1e30)
    directories, outcomes = train(wild, tiny())
    assert [o.status for o in outcomes] == ["diverged", "finished"]
    assert (
        outcomes[0].reason == f"the loss or its gradient was not finite at step {outcomes[0].step}"
    )
    assert 0 < outcomes[0].step < 24
    assert all(np.isfinite(r["value"]) for d in directories for r in rows_of(d))
    (alone,), _ = train(tiny())
    expected = values_of(alone)
    found = values_of(directories[1])
    assert_allclose([found[k] for k in expected], list(expected.values()), rtol=1e-4)


def test_a_cohort_that_lost_its_claim_writes_nothing_more(tmp_path):
    def check():
        raise LostClaim

    member = Member(config=tiny(), directory=tmp_path, check=check)
    with pytest.raises(LostClaim):
        run_cohort([member], execution=Execution())
    assert list(tmp_path.iterdir()) == []


def test_a_runs_record_has_its_rate_and_what_that_is_of_its_devices_peak(train, monkeypatch):
    """The rate is FLOPs of all runs over the seconds that they were trained or waited for."""
    known = Device(names=("cpu",), bfloat16=8e12, float32=2e12, bytes=1e9, usable=1.0)
    monkeypatch.setitem(DEVICES, "cpu", known)
    configs = tiny(), tiny(seed=1)
    _, (outcome, _) = train(*configs)
    images = 2 * configs[0].train.steps * configs[0].train.batch_size
    seconds = outcome.seconds["train"] + outcome.seconds["input"]
    flops = images * costs(configs[0]).training_flops_per_image
    assert_allclose(outcome.flops_per_second, flops / seconds)
    assert_allclose(outcome.utilisation, outcome.flops_per_second / 2e12)


def test_a_run_asks_for_no_network(train, asked):
    """From its data to its measurements, samples and checkpoint."""
    _, (outcome,) = train(tiny())
    assert outcome.status == "finished"
    assert asked == []
    with pytest.raises(ConnectionRefusedError, match="a test forbids"):
        socket.create_connection(("localhost", 9))
