"""Mirrors of a sweep: every value arrives once, however often one mirrors and runs resume."""

import json
import os
import re
import sys

import pytest

import analysis
from analysis.imports.events import read_events
from scaling.errors import InputError
from sweeps.store.states import end
from sweeps.tracking import TRACKERS, follow, make, mirror
from sweeps.tracking.interface import EXTRAS, Where
from sweeps.tracking.scalars import new_rows
from tests.sweeps.examples import append, make_store, row
from tests.sweeps.measured import SERIES, begin, finish, rows, same, truth


def tensorboard(store, into):
    return make("tensorboard", Where(into=into, project="p"))


def scalars_of(into, run):
    """What TensorBoard's files of a run hold, and in how many files."""
    (folder,) = into.glob(f"p/*_{run.id}")
    events = [read_events(file) for file in folder.iterdir()]
    return sorted(scalar for found in events for scalar in found.scalars), len(events)


def test_every_value_arrives_once_however_often_one_mirrors(tmp_path):
    store, into = make_store(tmp_path / "s"), tmp_path / "m"
    first = begin(store, 0, *rows(50, 100))
    tracker = tensorboard(store, into)
    assert mirror(store, tracker, into).values == 4
    end(first, "preempted")
    second = begin(store, 0, *rows(50))  # taken over; trained again from a checkpoint at 50
    assert mirror(store, tracker, into).values == 0
    append(second.attempt, *rows(100, 200))
    with (second.attempt / "measurements.jsonl").open("a") as file:
        file.write('{"horizon": 20')  # at this moment the worker writes
    done = mirror(store, tensorboard(store, into), into)
    assert (done.runs, done.values, done.settled) == (1, 2, False)
    finish(second)
    assert mirror(store, tracker, into).values == 0
    found, files = scalars_of(into, store.runs[0])
    same(found, truth(50, 100, 200))
    assert mirror(store, tracker, into).values == 0
    assert scalars_of(into, store.runs[0]) == (found, files), "not even an empty file"
    elsewhere = make("tensorboard", Where(into=into, project="q"))
    assert mirror(store, elsewhere, into).values == 6


def test_a_mirror_is_a_table_that_a_law_can_be_fitted_to(tmp_path):
    store, into = make_store(tmp_path / "s"), tmp_path / "m"
    for place, _ in enumerate(store.runs):
        finish(begin(store, place, *rows(100, 200, run=place)))
    mirror(store, tensorboard(store, into), into)
    frame = analysis.read(into, {"value": SERIES[0]}).frame
    assert sorted(frame["steps"]) == [100] * 6 + [200] * 6
    for found in frame.itertuples():
        (run,) = (r for r in store.runs if found.run.endswith(r.id))
        assert (found.rung, int(found.seed)) == (run.record["rung"], run.record["seed"])
        assert found.parameters == run.record["parameters"]
        assert found.value == pytest.approx(store.runs.index(run) + 1 / found.steps, rel=1e-6)


def test_following_ends_when_the_sweep_is_settled(tmp_path):
    store, into = make_store(tmp_path / "s"), tmp_path / "m"
    ends = iter(range(6))
    told = []

    def sleep(seconds):
        assert seconds == 7.0
        claim = begin(store, place := next(ends), *rows(200, run=place))
        finish(claim, "diverged" if place else "finished", reason="not finite" if place else None)

    tracker = tensorboard(store, into)
    follow(store, tracker, into, every=7.0, tell=told.append, sleep=sleep)
    assert [now.values for now in told] == [0] + [2] * 6
    assert [now.settled for now in told] == [False] * 6 + [True]
    state = json.loads((into / "mirrored" / f"{store.runs[5].id}.json").read_text())
    assert (state["p"]["status"], state["p"]["reason"]) == ("diverged", "not finite")


def test_noise_levels_come_when_asked_for_and_what_is_only_tried_does_not():
    tried = row(50, 3.0, metric="fd", inference="candidate", setting="guidance 2")
    best = row(50, 2.0, metric="fd", inference="best", setting="guidance 1")
    made = [*rows(50), tried, best]
    assert new_rows(made, {})[50].keys() == {*SERIES, "fd/raw/held_out/best"}
    assert new_rows(made, {SERIES[0]: 50}).get(50, {}).keys() == {
        SERIES[1],
        "fd/raw/held_out/best",
    }
    assert new_rows(made, {}, levels=True)[50]["loss/raw/held_out/log_snr_-1.5"] == 9.0


@pytest.mark.parametrize("name", sorted(TRACKERS))
def test_a_missing_package_is_named_with_what_installs_it(name, tmp_path, monkeypatch):
    package = "tensorboardX" if name == "tensorboard" else name
    monkeypatch.setitem(sys.modules, package, None)
    for variable in list(os.environ):
        monkeypatch.setenv(variable, os.environ[variable])  # given back afterwards
    ours = name in EXTRAS
    wanted = f"pip install 'diffusion-scaling[{name}]'" if ours else f"pip install {package} "
    with pytest.raises(InputError, match=re.escape(wanted)):
        make(name, Where(into=tmp_path, project="p"))


def test_a_wrong_name_or_switch_is_said(tmp_path):
    with pytest.raises(InputError, match=r"no tracker 'mlfow'; did you mean 'mlflow'\?"):
        make("mlfow", Where(into=tmp_path, project="p"))
    with pytest.raises(InputError, match="--online"):
        make("mlflow", Where(into=tmp_path, project="p", online=True))
