"""A disk that fills up while training: said in a line, and nothing is lost or corrupt."""

import os
import shutil
import subprocess

import pytest
from pandas.testing import assert_frame_equal

from tests.endtoend.sweeping import Sweep


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 16 MB in memory; mounting one is for the superuser alone."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(place)]
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("only root may mount a small file system")
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"cannot mount a small file system: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("room", [450_000, 24_000], ids=["saving", "beginning"])
def test_a_disk_that_fills_up(undisturbed, small_disk, room):
    """While orbax writes the runs' first checkpoints; and before even a log can be written.

    What a worker cannot say any more, the command says for it.
    """
    sweep = Sweep.make(small_disk)
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(shutil.disk_usage(small_disk).free - room))
    full = sweep.run()
    assert full.returncode == 2, full.stderr
    assert len(full.stderr.splitlines()) < 20
    assert "Traceback" not in full.stderr
    said = full.stderr.splitlines()[-1]
    assert said.startswith(f"error: {small_disk}"), full.stderr
    assert said.endswith(("the disk is full", "the disk may be full, or its quota used up"))
    assert len(set.union(*sweep.checkpoints())) <= (room > 100_000)
    assert not any((run / "result.json").exists() for run in sweep.runs)
    ballast.unlink()
    ended = sweep.run()
    assert ended.returncode == 0, ended.stderr
    assert_frame_equal(sweep.table(), undisturbed.table(), check_exact=True)
