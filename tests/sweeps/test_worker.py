"""When a worker ends, waits or goes on, in this process and with training of no time."""

import errno
import json
import os
import threading
import time

import pytest

from sweeps.claiming import Seeker
from sweeps.snapshot import snapshot
from sweeps.store.claims import take
from sweeps.store.writing import read_json
from sweeps.worker import FAILED, NOTHING_LEFT, PREEMPTED, _Patience, _Teller, heartbeat, work
from tests.sweeps.examples import SIX, Ending, Told, make_store

ALONE = SIX + "engine: {cohort: 1}\n"


def worked(store, train=lambda claims, progress: [Ending() for _ in claims], **how):
    """The exit code of a worker, and what it said."""
    said = []
    return work(store, train, threading.Event(), said.append, **how), said


def raising(error):
    def train(claims, progress):
        raise error

    return train


def ended(store):
    found = store.directory.glob("runs/*/attempts/*/ended.json")
    return [json.loads(path.read_text()) for path in found]


def elsewhere(run, store):
    """A claim on the run by a process of a machine that we know nothing of."""
    claim = take(run.directory, store.clock, store.silence)
    assert claim
    holder = read_json(claim.path)
    claim.path.write_text(json.dumps({**holder, "machine": "another", "worker": "theirs"}))
    return claim


def test_on_an_accelerator_a_process_does_not_outlive_an_error(tmp_path):
    """It may be out of order: one process then fails one cohort once, not every run twice."""
    store = make_store(tmp_path / "s", ALONE)
    sick = raising(RuntimeError("CUDA_ERROR_ILLEGAL_ADDRESS"))
    code, said = worked(store, sick, fragile=True)
    assert code == PREEMPTED
    assert [record["status"] for record in ended(store)] == ["failed"]
    assert "CUDA_ERROR_ILLEGAL_ADDRESS" in said[-1]
    assert worked(store)[0] == NOTHING_LEFT
    assert snapshot(store).count("finished") == 6


def test_on_a_cpu_it_goes_on_with_the_next(tmp_path):
    store = make_store(tmp_path / "s", ALONE)
    assert worked(store, raising(ValueError("no")))[0] == FAILED
    assert snapshot(store).count("failed") == 6


def test_an_error_after_another_has_taken_over_is_no_failure(tmp_path):
    """It has deleted the checkpoints of the earlier attempt, which was asleep."""
    store = make_store(tmp_path / "s", ALONE)
    taken = []

    def train(claims, progress):
        if not taken:
            later = claims[0].path.with_name("2")
            later.write_bytes(claims[0].path.read_bytes())
            taken.append(later)
            raise FileNotFoundError("checkpoints")
        return [Ending() for _ in claims]

    threading.Timer(0.5, lambda: os.utime(taken[0], (1, 1))).start()
    code, said = worked(store, train)
    assert code == NOTHING_LEFT
    assert "attempt 2 has taken over from 1" in said[1]
    assert not any(record["status"] == "failed" for record in ended(store))


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE])
def test_a_file_server_that_is_away_is_not_held_against_the_run(tmp_path, number):
    store = make_store(tmp_path / "s", ALONE)
    code, _ = worked(store, raising(OSError(number, os.strerror(number))))
    assert code == PREEMPTED
    (record,) = ended(store)
    assert (record["status"], os.strerror(number) in record["reason"]) == ("lost", True)
    assert worked(store)[0] == NOTHING_LEFT
    assert snapshot(store).count("finished") == 6


@pytest.mark.parametrize(
    ("message", "status", "expected"),
    [
        ("UNKNOWN: Gloo AllGather failed: Connection reset by peer", "lost", PREEMPTED),
        ("Timeout at barrier 4. INTERNAL: UNAVAILABLE: Task 1 heartbeat", "lost", PREEMPTED),
        ("RESOURCE_EXHAUSTED: Out of memory allocating 80 GiB", "failed", FAILED),
    ],
)
def test_where_others_compute_along_their_death_is_no_failure(tmp_path, message, status, expected):
    store = make_store(tmp_path / "s", ALONE)
    code, said = worked(store, raising(ValueError(message)), claim=Seeker(print))
    assert (code, [record["status"] for record in ended(store)]) == (expected, [status])
    assert message in said[-1]


def test_runs_of_a_worker_that_is_gone_are_waited_for(tmp_path):
    """Killed a moment ago with its machine, it looks as if it were at work."""
    store = make_store(tmp_path / "s", ALONE, silence=1.5)
    claim = elsewhere(store.runs[2], store)
    code, _ = worked(store)
    assert code == NOTHING_LEFT
    assert snapshot(store).count("finished") == 6
    assert read_json(claim.run / "result.json")["attempt"] == 2


def test_runs_of_a_worker_that_is_alive_are_left_to_it(tmp_path):
    store = make_store(tmp_path / "s", ALONE, silence=60.0)
    claim = elsewhere(store.runs[2], store)
    started = time.monotonic()
    with heartbeat([claim], 0.1):
        code, said = worked(store)
    assert code == NOTHING_LEFT
    assert said[-1] == "1 runs are left, with workers that are alive: theirs"
    assert snapshot(store).count("finished") == 5
    assert time.monotonic() - started < 20


def test_a_worker_that_waits_can_be_stopped(tmp_path):
    store = make_store(tmp_path / "s", ALONE)
    for run in store.runs:
        elsewhere(run, store)
    stopping = threading.Event()
    threading.Timer(0.2, stopping.set).start()
    assert work(store, raising(ValueError()), stopping, lambda _: None) == PREEMPTED


def test_without_progress_a_worker_ends_itself(tmp_path):
    """What hangs is no Python, so it leaves from the thread that shows its signs of life."""
    store = make_store(tmp_path / "s", ALONE)
    claim = elsewhere(store.runs[0], store)
    teller = _Teller([claim], threading.Event())
    codes, said = [], []
    look = _Patience([claim], teller, 0.5, said.append, codes.append)
    for step in range(8):
        teller(Told("train", step, 60))
        look()
        time.sleep(0.1)
    assert not codes
    time.sleep(0.5)
    look()
    assert codes == [PREEMPTED]
    assert said == ["no progress for 0 s (engine.stalled_seconds) in train"]
    assert ended(store)[0]["status"] == "died"
