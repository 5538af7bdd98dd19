"""Runs on a set of files: the same bits in memory, streamed, and stopped on the way."""

import numpy as np
import pytest
from pydantic import ValidationError

from scaling.data import memory
from scaling.data.source import load
from scaling.measure import floor
from scaling.run import Member, Preempted, run_cohort
from tests.scaling.conftest import PATIENT, rows_of, tiny, values_of
from tests.scaling.data.files import sets

SIZE, COUNT = 8, 64


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    """A section of data, streamed."""
    monkeypatch.setenv("SCALING_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(memory, "IN_MEMORY_BYTES", 0)
    sets.webdataset(tmp_path / "set", sets.told(COUNT))
    augment = {"flip": True, "shift": 1}
    return {"source": "files", "path": str(tmp_path / "set"), "size": SIZE, "augment": augment}


def config(data, **changes):
    small = {"patch_size": 4, "depth": 1, "width": 16, "heads": 1}
    return tiny(data=data, model=small, measure__samples={"count": 0}, **changes)


class Stop:
    """A worker's death on the way."""

    def __call__(self, progress):
        if progress.step >= 10:
            raise Preempted


def resumed(train, pair, tmp_path):
    """Outcome and directories of runs that were stopped in mid-epoch and begun again."""
    stopped = len(list(tmp_path.glob("attempt-*")))
    with pytest.raises(Preempted):
        train(*pair, progress=Stop())
    members = []
    for number, run in enumerate(pair, stopped):
        directory = tmp_path / f"resumed-{number}"
        directory.mkdir()
        earlier = (tmp_path / f"attempt-{number}",)
        members.append(Member(config=run, directory=directory, earlier=earlier))
    outcome, *_ = run_cohort(members, execution=PATIENT)
    return outcome, [member.directory for member in members]


def test_streamed_and_stopped_on_the_way_a_cohort_is_as_in_memory_to_the_bit(
    train, data, monkeypatch, tmp_path
):
    """Two runs; 24 steps of 16 examples are seven epochs, which end within calls."""
    pair = config(data), config(data, seed=1, train__learning_rate=1e-3)
    streamed_outcome, streamed_runs = resumed(train, pair, tmp_path)
    assert 0 < streamed_outcome.trained_steps < 24
    assert streamed_outcome.seconds["input"] > 0
    monkeypatch.setattr(memory, "IN_MEMORY_BYTES", 2**30)
    inside, _ = train(*pair)
    for one, other in zip(streamed_runs, inside, strict=True):
        assert values_of(one) == values_of(other)
        assert {r["metric"] for r in rows_of(one)} >= {"loss", "training_loss"}
    assert values_of(inside[0]) != values_of(inside[1])


@pytest.mark.slow
def test_calls_cut_short_by_memory_change_nothing(train, data, monkeypatch):
    (one,), _ = train(config(data))
    monkeypatch.setattr(memory, "CALL_BYTES", 2 * 16 * 320)  # two steps a call
    (other,), _ = train(config(data))
    assert values_of(one) == values_of(other)


def test_a_floor_is_refused_where_images_are_too_many_or_cut_anew(data, monkeypatch):
    exact = {"measure__floor": {"method": "exact"}}
    with pytest.raises(ValidationError, match=r"data\.augment\.shift cuts them anew"):
        config(data, **exact)
    monkeypatch.setattr(memory, "FLOOR_BYTES", 0)
    with pytest.raises(ValidationError, match="take 0 MiB, more than 0: set it to none"):
        config({**data, "augment": {"shift": 0}}, **exact)


def test_a_floor_of_streamed_images_is_as_in_memory_to_the_bit(data, monkeypatch):
    still = {**data, "augment": {"shift": 0}}
    measured = config(still, measure__floor={"method": "exact"}, measure__log_snr=[-1.0, 0.0, 1.0])
    monkeypatch.setattr(floor, "READ_AT_ONCE", 10)
    found = []
    for room in (0, 2**30):
        monkeypatch.setattr(memory, "IN_MEMORY_BYTES", room)
        source = load(measured.data)
        assert (source.fetch is None) == (room > 0)
        found.append(floor.compute(measured, source, source.train_sample(16, 0)))
    np.testing.assert_array_equal(*found)


def test_prompts_must_stand_for_something(data):
    labels = {**data, "conditions": "none"}
    with pytest.raises(ValidationError, match=r"measure\.samples\.captions: caption 'a dog'"):
        tiny(
            data=labels,
            model={"patch_size": 4, "depth": 1, "width": 16, "heads": 1},
            measure__samples={"captions": ["a dog"]},
        )
