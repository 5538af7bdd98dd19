"""Directories that cannot be written to, and stamps of time that are wrong by an hour."""

import os
import shutil
import subprocess
import time

import pytest

from sweeps.display import Lines
from sweeps.engines import LocalEngine
from sweeps.snapshot import snapshot
from sweeps.status import status, text
from sweeps.store.claims import numbers, take
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


def test_status_needs_to_read_only(disk):
    store = make_store(disk / "s", ALONE)
    assert take(store.runs[0].directory, store.clock)
    before = status(store)
    remount(disk, "ro")
    after = status(store)
    remount(disk, "rw")
    assert after["counts"] == before["counts"]
    assert after["runs"][0]["silent_seconds"] < 60
    assert "by this machine's clock" in text(after)
    assert "by this machine's clock" not in text(before)


def test_with_stamps_that_are_wrong_by_an_hour_every_file_has_one_writer(tmp_path):
    """A file server that believed its clients' clocks: those ahead take over from all others."""
    store = make_store(tmp_path / "s", ALONE)
    skews = (3600, -3600)
    both = [start(store, "--skew", skew, "--silence", 4, "--seconds", 0.3) for skew in skews]
    for worker in both:
        worker.communicate(timeout=60)
        assert worker.returncode == 0
    assert_whole(store)
    assert any(len(numbers(run.directory / "claims")) > 1 for run in store.runs), "nothing was lost"


def test_silence_is_told_by_the_file_servers_clock(tmp_path, monkeypatch):
    """The server's is an hour behind ours."""
    store = make_store(tmp_path / "s", ALONE)
    store.clock()  # the file is there, and only touched from now on
    right = os.utime
    behind = time.time() - 3600
    monkeypatch.setattr(os, "utime", lambda path, times=None: right(path, times or (behind,) * 2))
    claim = take(store.runs[0].directory, store.clock, store.silence)
    assert claim
    claim.beat()
    (work,) = snapshot(store).working.values()
    assert work.silent_seconds == 0
    right(claim.path, (behind - 200,) * 2)
    assert snapshot(store).working[claim.run.name].silent_seconds == 200
    assert take(claim.run, store.clock, store.silence) is None
    right(claim.path, (behind - 241,) * 2)
    taken = take(claim.run, store.clock, store.silence)
    assert taken
    assert taken.number == 2
