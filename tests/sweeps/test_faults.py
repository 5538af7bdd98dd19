"""Directories that cannot be written to, and machines whose clocks are wrong by an hour."""

import json
import os
import shutil
import signal
import subprocess
import time

import pytest

from sweeps.display import Lines
from sweeps.engines import LocalEngine
from sweeps.snapshot import snapshot
from sweeps.store.claims import numbers
from sweeps.store.writing import read_json, read_lines
from sweeps.supervise import supervise
from tests.sweeps.examples import SIX, WORKER, make_store
from tests.sweeps.waiting import wait_for

ALONE = SIX + "engine: {cohort: 1}\n"


@pytest.fixture
def disk(tmp_path):
    """A file system of its own, in memory; mounting one is for the superuser alone."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("only root may mount a file system")
    command = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(place)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"cannot mount a file system: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def remount(place, how):
    """A file that is open for writing at this very moment delays it."""
    until = time.monotonic() + 10
    while subprocess.run(["mount", "-o", f"remount,{how}", place], check=False).returncode:
        assert time.monotonic() < until


def start(store, *arguments):
    return subprocess.Popen(
        [*WORKER, str(store.directory), *map(str, arguments)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def assert_whole(store):
    """Every file can be read, every attempt has one writer, every run one result."""
    for path in store.directory.rglob("*.json"):
        assert read_json(path) is not None
    for path in store.directory.rglob("measurements.jsonl"):
        rows, _ = read_lines(path)
        holder = read_json(path.parents[2] / "claims" / path.parent.name)["pid"]
        assert {row["count"] for row in rows} <= {holder}
    assert snapshot(store).count("finished") == 6


def test_a_directory_that_becomes_read_only_ends_workers_in_a_line(disk):
    store = make_store(disk / "s", ALONE)
    worker = start(store, "--seconds", 1.5)
    wait_for(lambda: snapshot(store).working)
    remount(disk, "ro")
    said = worker.communicate(timeout=20)[1]
    assert worker.returncode == 2
    assert said.startswith(f"error: {disk}")
    assert said.endswith("the file system is read-only\n")
    another = start(store)
    assert another.communicate(timeout=20)[1].endswith("the file system is read-only\n")
    assert another.returncode == 2
    remount(disk, "rw")
    supervise(store, LocalEngine(store.directory, 2, WORKER), 2, Lines(lambda _: None))
    assert_whole(store)


def test_clocks_that_are_wrong_by_an_hour_neither_end_nor_prolong_a_claim(tmp_path):
    """Workers an hour ahead and behind; one of them sleeps, and then finds itself replaced."""
    silence = 8.0
    store = make_store(tmp_path / "s", ALONE, silence=silence)
    ahead = start(store, "--skew", 3600, "--silence", silence, "--seconds", 3)
    wait_for(lambda: snapshot(store).working)
    ahead.send_signal(signal.SIGSTOP)
    asleep = time.monotonic()
    (run,) = snapshot(store).working
    for skew in (3600, -3600):
        start(store, "--skew", skew, "--silence", silence, "--seconds", 0.05).communicate()
        if time.monotonic() < asleep + silence - 1:
            assert numbers(store.run(run).directory / "claims") == [1], "taken for silent too early"
    assert snapshot(store).count("finished") >= 5
    time.sleep(max(0.0, asleep + silence + 0.5 - time.monotonic()))
    start(store, "--skew", -3600, "--silence", silence, "--seconds", 0.05).communicate()
    ahead.send_signal(signal.SIGCONT)
    ahead.communicate(timeout=30)
    assert ahead.returncode == 0
    assert_whole(store)
    assert numbers(store.run(run).directory / "claims") == [1, 2]
    assert read_json(store.run(run).directory / "result.json")["attempt"] == 2
    others = [numbers(other.directory / "claims") for other in store.runs if other.id != run]
    assert others == [[1]] * 5


def test_a_heartbeat_is_told_by_the_file_servers_clock(tmp_path, monkeypatch):
    store = make_store(tmp_path / "s", ALONE)
    worker = start(store, "--seconds", 3)
    wait_for(lambda: snapshot(store).working)
    right = time.time
    monkeypatch.setattr(time, "time", lambda: right() + 3600)
    assert all(work.silent_seconds < 60 for work in snapshot(store).working.values())
    monkeypatch.undo()
    worker.terminate()
    worker.communicate(timeout=20)
    ended = store.directory.glob("runs/*/attempts/1/ended.json")
    assert [json.loads(path.read_text())["status"] for path in ended] == ["preempted"]
