"""Claims among real processes that are killed and put to sleep."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from scaling.errors import LostClaim
from sweeps.store.claims import numbers, server_clock, take
from sweeps.store.states import bury, end, settle, state_of
from sweeps.store.writing import publish, read_json
from tests.sweeps.examples import WORKER, make_store


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


def clock_of(run):
    return lambda: server_clock(run.parent)


def start(code: str, *arguments) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
    )


CLAIM = """
    import sys, time
    from pathlib import Path
    from sweeps.store.claims import server_clock, take
    run = Path(sys.argv[1])
    while time.time() < float(sys.argv[2]):
        pass
    claim = take(run, lambda: server_clock(run.parent))
    print(claim.number if claim else 0, flush=True)
    time.sleep(float(sys.argv[3]))
"""


def test_one_of_many_contenders_wins(run):
    at = time.time() + 1.5
    contenders = [start(CLAIM, run, at, 2) for _ in range(8)]
    won = [int(process.communicate()[0]) for process in contenders]
    assert sorted(won) == [0] * 7 + [1]
    assert numbers(run / "claims") == [1]


def test_a_claim_of_a_killed_process_is_taken_over_at_once(run):
    process = start(CLAIM, run, 0, 60)
    assert process.stdout.readline() == "1\n"
    assert take(run, clock_of(run)) is None
    process.kill()
    process.communicate()
    assert take(run, clock_of(run)).number == 2


def test_a_silent_holder_is_taken_over_and_must_leave_when_it_wakes(run):
    ours = take(run, clock_of(run), silence=60)
    assert take(run, clock_of(run), silence=60) is None
    os.utime(ours.path, (time.time() - 61,) * 2)
    theirs = take(run, clock_of(run), silence=60)
    assert (ours.number, theirs.number) == (1, 2)
    theirs.check()
    with pytest.raises(LostClaim, match="attempt 2 has taken over from 1"):
        ours.check()
    with pytest.raises(LostClaim):
        end(ours, "finished", step=3, seconds={})
    assert not (ours.attempt / "ended.json").exists()


def test_a_heartbeat_keeps_a_claim(run):
    claim = take(run, clock_of(run), silence=60)
    os.utime(claim.path, (time.time() - 61,) * 2)
    claim.beat()
    assert take(run, clock_of(run), silence=60) is None


def test_an_ended_attempt_frees_its_run_and_earlier_attempts_are_newest_first(run):
    for _ in range(3):
        end(take(run, clock_of(run)), "preempted")
    last = take(run, clock_of(run))
    assert [path.name for path in last.earlier] == ["3", "2", "1"]


def test_the_first_result_is_published_and_stays(run):
    first = take(run, clock_of(run))
    end(first, "finished", step=5, seconds={}, reason=None)
    second = take(run, clock_of(run))
    end(second, "diverged", step=6, seconds={}, reason="not finite")
    settle(run)
    settle(run)
    assert read_json(run / "result.json")["attempt"] == 1
    assert state_of(run, clock_of(run)).status == "finished"


def test_failures_and_deaths_are_counted_but_interruptions_are_not(run):
    for status in ["preempted", "released", "failed", "died", "died", "preempted"]:
        end(take(run, clock_of(run)), status, reason=status)
        assert state_of(run, clock_of(run)).status == "pending"
    end(take(run, clock_of(run)), "failed", reason="ValueError: again")
    state = state_of(run, clock_of(run))
    assert (state.status, state.reason, state.failures) == ("failed", "ValueError: again", 4)


def test_machines_that_are_lost_count_only_if_training_did_not_get_on(run):
    """Twelve machines lost in days of training, then ten that come to nothing."""
    for step in range(1, 13):
        claim = take(run, clock_of(run))
        (claim.attempt / "checkpoints" / str(step)).mkdir(parents=True)
        bury(claim, "lost", reason="its machine is gone", traceback="")
        assert state_of(run, clock_of(run)).failures == 0
    for failures in range(1, 10):
        bury(take(run, clock_of(run)), "lost", reason="its machine is gone", traceback="")
        assert state_of(run, clock_of(run)).failures == failures
        assert state_of(run, clock_of(run)).status == "pending"
    bury(take(run, clock_of(run)), "lost", reason="its machine is gone", traceback="")
    assert state_of(run, clock_of(run)).status == "failed"


def test_a_claim_that_the_folder_does_not_show_yet_is_not_lost(run):
    """On another machine of a group, whose view of a network's folder is a few seconds old."""
    claim = take(run, clock_of(run))
    claim.path.rename(claim.path.with_name(".later"))
    claim.check()


def test_a_link_that_was_made_though_the_server_says_it_exists(run, monkeypatch):
    """The answer was lost on its way, and the request sent again."""
    link = os.link

    def twice(*paths):
        link(*paths)
        link(*paths)

    monkeypatch.setattr(os, "link", twice)
    assert publish(run / "mine", "ours")
    assert not publish(run / "mine", "theirs")
    assert (run / "mine").read_text() == "ours"


def test_workers_that_are_killed_and_stopped_leave_every_run_once_with_one_writer(tmp_path):
    grid = ", ".join(map(str, range(10)))
    text = (
        "data: {source: digits}\nmodel: {rung: 20k, patch_size: 2}\n"
        f"train: {{steps: 200}}\nengine: {{cohort: 1}}\nsweep: {{grid: {{seed: [{grid}]}}}}\n"
    )
    store = make_store(tmp_path / "sweep", text, silence=1.0)
    command = [*WORKER, str(store.directory), "--silence", "1.0", "--seconds", "0.3"]

    def launch():
        return subprocess.Popen(command, stdout=subprocess.DEVNULL)

    workers = [launch() for _ in range(4)]
    sleepers = []
    until = time.monotonic() + 30
    kills = 0
    while not all(state.settled for _, state in store.states()):
        assert time.monotonic() < until, "the runs were not finished in time"
        time.sleep(0.35)
        busy = [w for w in workers if w.poll() is None]
        if kills < 6 and busy:
            victim = busy[kills % len(busy)]
            kills += 1
            if kills % 2:
                victim.kill()
            else:
                victim.send_signal(signal.SIGSTOP)
                sleepers.append(victim)
                workers.remove(victim)
        workers = [w if w.poll() is None else launch() for w in workers]
        while len(workers) < 4:
            workers.append(launch())
    for sleeper in sleepers:
        sleeper.send_signal(signal.SIGCONT)
    for process in [*workers, *sleepers]:
        process.wait(timeout=20)
    assert kills == 6
    for run in store.runs:
        assert read_json(run.directory / "result.json")["status"] == "finished"
        for file in run.directory.glob("attempts/*/measurements.jsonl"):
            rows = [json.loads(line) for line in file.read_text().splitlines()]
            assert len({row["count"] for row in rows}) == 1, "a file with two writers"
            holder = read_json(run.directory / "claims" / file.parent.name)["pid"]
            assert rows[0]["count"] == holder
