"""The local engine with real worker processes: failures, deaths, full disks, no orphans."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from scaling.errors import InputError
from sweeps.display import Lines
from sweeps.engines import Ended, LocalEngine
from sweeps.engines.cores import available_cores, shares, thread_settings
from sweeps.snapshot import snapshot
from sweeps.store import Store
from sweeps.store.claims import take
from sweeps.store.prepare import prepare
from sweeps.store.writing import read_json
from sweeps.supervise import WorkersFailed, _Failures, _judge, supervise
from tests.sweeps.examples import SIX, WORKER, loads, make_store
from tests.sweeps.waiting import wait_for

ALONE = SIX + "engine: {cohort: 1}\n"
PAIRS = SIX + "engine: {cohort: 2}\n"


def train(store, workers=2, command=WORKER):
    said = []
    engine = LocalEngine(store.directory, workers, command)
    now = supervise(store, engine, workers, Lines(said.append))
    return {
        f"{run.record['rung']}/{run.record['seed']}": now.by_id[run.id] for run in now.runs
    }, said


def behave(store, **table):
    path = store.directory / ".behave.json"
    path.write_text(json.dumps({name.replace("_", "/"): how for name, how in table.items()}))


def attempts(store):
    return [json.loads(p.read_text()) for p in store.directory.glob("runs/*/attempts/*/ended.json")]


def test_every_run_is_trained_once(tmp_path):
    store = make_store(tmp_path / "s", PAIRS)
    states, said = train(store)
    assert {state.status for state in states.values()} == {"finished"}
    assert len(attempts(store)) == 6
    assert sum("finished" in line for line in said) == 6
    cohorts = [
        read_json(p)["cohort"] for p in store.directory.glob("runs/*/attempts/1/progress.json")
    ]
    assert sorted(map(tuple, cohorts)) == sorted(2 * [tuple(c) for c in store.sweep["cohorts"]])


def test_a_run_that_raises_fails_after_two_attempts_and_the_sweep_goes_on(tmp_path):
    store = make_store(tmp_path / "s", PAIRS)
    behave(store, **{"40k_1": "raise", "20k_0": "diverge"})
    states, _ = train(store)
    assert states["40k/1"].status == "failed"
    assert states["40k/1"].reason == "ValueError: the moon is in the wrong house"
    assert states["20k/0"].status == "diverged"
    assert (states["20k/0"].step, states["20k/0"].reason) == (7, "not finite at step 7")
    others = [state.status for name, state in states.items() if name not in ("40k/1", "20k/0")]
    assert others == ["finished"] * 4, "its companion was tried again alone"
    failed = [a for a in attempts(store) if a["status"] == "failed"]
    assert len(failed) == 3
    assert all("in the wrong house\nand more" in a["traceback"] for a in failed)
    behave(store)
    assert train(store)[0]["40k/1"].status == "failed", "not tried again unasked"
    prepare(loads(PAIRS), store.directory, workers=2, retry_failed=True)
    assert train(store)[0]["40k/1"].status == "finished"


def test_a_run_that_kills_its_worker_fails_after_three_deaths(tmp_path):
    store = make_store(tmp_path / "s", ALONE)
    behave(store, **{"20k_1": "kill"})
    states, _ = train(store)
    assert states["20k/1"].status == "failed"
    assert states["20k/1"].reason == "its worker was killed by SIGKILL (out of memory?)"
    assert sum(a["status"] == "died" for a in attempts(store)) == 3
    assert sum(state.status == "finished" for state in states.values()) == 5


def test_a_full_disk_ends_the_sweep_and_blames_no_run(tmp_path):
    store = make_store(tmp_path / "s", ALONE)
    behave(store, **{"70k_0": "full"})
    with pytest.raises(InputError, match=r"measurements.jsonl: the disk is full"):
        train(store)
    assert not any(a["status"] in ("failed", "died") for a in attempts(store))
    assert snapshot(store).count("running") == 0


def test_workers_that_cannot_start_are_given_up_with_their_last_words(tmp_path):
    store = make_store(tmp_path / "s")
    broken = (sys.executable, "-c", "raise RuntimeError('no such accelerator')")
    with pytest.raises(WorkersFailed, match="no such accelerator"):
        train(store, command=broken)


SUPERVISOR = """
    import signal
    import sys
    from pathlib import Path
    from sweeps.display import Lines
    from sweeps.engines import Ended, LocalEngine
    from sweeps.store import Store
    from sweeps.supervise import supervise
    from tests.sweeps.examples import WORKER
    # As at a terminal: a shell's background jobs inherit that interrupts are ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    store = Store.open(sys.argv[1])
    engine = LocalEngine(store.directory, 2, (*WORKER, "--seconds", sys.argv[2]))
    supervise(store, engine, 2, Lines(lambda text: print(text, flush=True)))
"""


def supervisor(store, seconds):
    code = textwrap.dedent(SUPERVISOR)
    return subprocess.Popen(
        [sys.executable, "-c", code, str(store.directory), str(seconds)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def holders(store):
    return {work.holder.pid for work in snapshot(store).working.values()}


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
        return file.read().rpartition(")")[2].split()[0] == "Z"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_workers_end_with_their_supervisor_and_the_next_one_goes_on_at_once(tmp_path, how):
    store = make_store(tmp_path / "s", ALONE)
    first = supervisor(store, 9)
    pids = wait_for(lambda: len(found := holders(store)) == 2 and found, 15)
    first.send_signal(how)
    first.wait(timeout=15)
    wait_for(lambda: all(gone(pid) for pid in pids), 5)
    start = time.monotonic()
    second = supervisor(store, 0.05)
    assert second.wait(timeout=30) == 0
    assert time.monotonic() - start < 20, "it waited for a heartbeat to grow old"
    assert snapshot(store).count("finished") == 6
    assert not any(a["status"] in ("failed", "died") for a in attempts(store))


def test_two_supervisors_share_a_sweep(tmp_path):
    store = make_store(tmp_path / "s", ALONE)
    both = [supervisor(store, 0.4) for _ in range(2)]
    assert [process.wait(timeout=40) for process in both] == [0, 0]
    finished = [a for a in attempts(store) if a["status"] == "finished"]
    assert len(finished) == 6


def test_rendering_names_cores_and_threads(tmp_path):
    text = LocalEngine(tmp_path, 1).render()
    cores = ",".join(map(str, available_cores()))
    assert text.endswith(f"-m scaling worker {tmp_path} --cores {cores} --end-with-parent")
    assert f"OMP_NUM_THREADS={len(available_cores())} " in text


@pytest.mark.parametrize(
    ("cores", "workers", "expected"),
    [
        ([0, 1], 2, [[0], [1]]),
        ([0, 1, 2, 3], 2, [[0, 1], [2, 3]]),
        ([4, 6, 9], 2, [[4], [6]]),
        ([3], 3, [[3], [3], [3]]),
    ],
)
def test_cores_are_shared_evenly(cores, workers, expected):
    assert shares(cores, workers) == expected


def test_thread_settings_keep_the_users_flags():
    flags = thread_settings(1, "--xla_dump_to=/x")["XLA_FLAGS"]
    assert flags == "--xla_dump_to=/x --xla_cpu_multi_thread_eigen=false"
    assert "XLA_FLAGS" not in thread_settings(4)


def test_a_death_is_recorded_though_another_has_taken_over_meanwhile(tmp_path):
    store = make_store(tmp_path / "s", ALONE)
    engine = LocalEngine(store.directory, 1, (*WORKER, "--seconds", "60"))
    engine.submit(1)
    run = wait_for(lambda: next(iter(snapshot(store).working), None), 15)
    engine.slots[0].kill()
    engine.slots[0].wait()
    claims = store.run(run).directory
    assert take(claims, store.clock).number == 2
    watched_once = supervisor_that_polls(engine)
    with pytest.raises(KeyboardInterrupt):
        supervise(store, watched_once, 0, Lines(lambda _: None))
    assert read_json(claims / "attempts" / "1" / "ended.json")["status"] == "died"
    assert store.state(run).status == "running", "by us, at attempt 2"


def supervisor_that_polls(engine):
    """The engine, whose watcher leaves after it has looked once."""

    class Once:
        polls = 0

        def poll(self):
            self.polls += 1
            if self.polls > 1:
                raise KeyboardInterrupt
            return engine.poll()

        submit, cancel, leave = engine.submit, engine.cancel, engine.leave

    return Once()


def ending(code, name="worker"):
    return Ended(name, code, "no such accelerator")


def fail(failures, times, *, others_work):
    for _ in range(times):
        failures.note(ending(1), claimed=False, in_vain=True, others_work=others_work)


def test_workers_that_fail_weeks_apart_do_not_end_a_sweep(monkeypatch):
    """Three in a row end it only if nobody works; else no more are started for a while."""
    said, now = [], [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    failures = _Failures(Lines(said.append))
    fail(failures, 2, others_work=False)
    failures.note(ending(1), claimed=True, in_vain=False, others_work=False)
    fail(failures, 2, others_work=False)
    assert failures.allow_more(running=True, others_work=True)
    now[0] += 7 * 86400
    fail(failures, 2, others_work=True)
    assert failures.allow_more(running=True, others_work=True)
    fail(failures, 1, others_work=True)
    assert not failures.allow_more(running=True, others_work=False), "some are still starting"
    assert not failures.allow_more(running=True, others_work=True)
    assert said[0].startswith("3 workers in a row could not start; no more are started for 10:00")
    now[0] += 599
    assert not failures.allow_more(running=True, others_work=True)
    now[0] += 2
    assert failures.allow_more(running=True, others_work=True)
    fail(failures, 3, others_work=False)
    with pytest.raises(WorkersFailed, match="no such accelerator"):
        failures.allow_more(running=False, others_work=False)


def test_a_place_out_of_order_does_not_end_the_sweep_of_the_other(tmp_path):
    store = make_store(tmp_path / "s", ALONE)
    engine = LocalEngine(store.directory, 2, (*WORKER, "--seconds", "0.2"))
    broken = LocalEngine(store.directory, 2, (sys.executable, "-c", "raise RuntimeError('sick')"))
    submit, said = engine.submit, []

    def submit_to_both(count):
        if count and 0 in engine.slots and 1 not in engine.slots:
            engine.command, sound = broken.command, engine.command
            submit(count)
            engine.command = sound
        else:
            submit(min(count, 1))

    engine.submit = submit_to_both
    now = supervise(store, engine, 2, Lines(said.append))
    assert now.count("finished") == 6
    assert sum("RuntimeError: sick" in line for line in said) == 1


def claimed(run):
    claim = take(run.directory, lambda: 0.0)
    assert claim
    return claim


def test_the_end_of_a_worker_is_not_that_of_an_earlier_one_of_its_name(tmp_path, monkeypatch):
    """A job whose machine went away is requeued under its name, and is then killed."""
    store = make_store(tmp_path / "s", ALONE)
    monkeypatch.setenv("SCALING_WORKER", "slurm-7")
    first, second = (claimed(run) for run in store.runs[:2])
    holder = read_json(first.path)
    first.path.write_text(json.dumps({**holder, "machine": "gone", "pid": 1}))
    os.utime(first.path, (1, 1))
    assert _judge(ending(-9, "slurm-7"), store)
    assert read_json(first.attempt / "ended.json")["status"] == "lost"
    assert read_json(second.attempt / "ended.json")["status"] == "died"


def test_a_snapshot_is_of_one_moment_though_runs_are_added_meanwhile(tmp_path, monkeypatch):
    store = make_store(tmp_path / "s", ALONE)
    state = Store.state

    def add_a_run_first(self, run_id):
        prepare(loads(ALONE.replace("[0, 1]", "[0, 1, 2]")), store.directory, workers=2)
        return state(self, run_id)

    monkeypatch.setattr(Store, "state", add_a_run_first)
    now = snapshot(store)
    assert (len(now.runs), now.free_cohorts) == (6, 6)
    assert snapshot(store).free_cohorts == 9
