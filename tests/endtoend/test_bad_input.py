"""What a person can mend ends with one screen, exit status 2, and nothing half-written."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import scaling
from sweeps.store import Store
from tests.endtoend.sweeping import Sweep

DIGITS = """\
data: {source: digits}
model: {rung: 20k, patch_size: 2}
train: {steps: 200, batch_size: 4}
"""


def assert_one_screen(ended, *words):
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr
    assert 0 < len(ended.stderr.splitlines()) < 20
    for word in words:
        assert word in ended.stderr


@pytest.fixture
def installed(tmp_path):
    """A copy of our packages, whose data files may be damaged."""
    source = Path(scaling.__file__).parents[1]
    place = tmp_path / "installed"
    for room in ("scaling", "models", "sweeps", "analysis"):
        unneeded = shutil.ignore_patterns("__pycache__", "emoji.npz")
        shutil.copytree(source / room, place / room, ignore=unneeded)
    return place


def environment(place):
    return {**os.environ, "PYTHONPATH": str(place)}


def test_a_truncated_data_file(installed, tmp_path):
    asset = installed / "scaling" / "data" / "assets" / "digits.npz"
    asset.write_bytes(asset.read_bytes()[:20_000])
    sweep = Sweep.make(tmp_path, DIGITS)
    ended = sweep.run(cwd=installed, env=environment(installed))
    assert_one_screen(ended, str(asset), "truncated or damaged", "Put it back")
    assert not sweep.directory.exists()


def test_a_data_file_damaged_after_the_start_is_said_by_the_worker(installed, tmp_path):
    asset = installed / "scaling" / "data" / "assets" / "digits.npz"
    sweep = Sweep.make(tmp_path, DIGITS)
    here = {"cwd": installed, "env": environment(installed)}
    arguments = [str(sweep.manifest), str(sweep.directory)]
    subprocess.run([sys.executable, "-c", PREPARE, *arguments], check=True, **here)
    asset.write_bytes(asset.read_bytes()[:20_000])
    worker = [sys.executable, "-m", "scaling", "worker", str(sweep.directory)]
    ended = subprocess.run(worker, capture_output=True, text=True, timeout=300, check=False, **here)
    assert_one_screen(ended, str(asset), "truncated or damaged")
    assert Store.open(sweep.directory).state(sweep.runs[0].name).status == "pending"


PREPARE = """\
import sys
from pathlib import Path
from sweeps.manifest import load
from sweeps.store.prepare import prepare
prepare(load(sys.argv[1]), Path(sys.argv[2]), workers=1)
"""


def test_a_directory_of_another_version(copied):
    path = copied.directory / "sweep.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"layout": 99}))
    before = {p: p.stat().st_mtime_ns for p in copied.directory.rglob("*")}
    assert_one_screen(copied.run(), str(copied.directory), "another version")
    assert {p: p.stat().st_mtime_ns for p in copied.directory.rglob("*")} == before


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x00\xff\xfe\x80binary", ("manifest.yaml",)),
        (b"model: {rung: 20k\ntrain: [", ("manifest.yaml:",)),
        (None, ("manifest.yaml",)),
    ],
    ids=["binary", "not YAML", "absent"],
)
def test_an_unreadable_manifest(tmp_path, content, words):
    sweep = Sweep.make(tmp_path)
    if content is None:
        sweep.manifest.unlink()
    else:
        sweep.manifest.write_bytes(content)
    assert_one_screen(sweep.run(), *words)
    assert not sweep.directory.exists()
