"""What the same command does a second time: nothing, or only what is new."""

import subprocess
import sys
import time

from pandas.testing import assert_frame_equal

from tests.endtoend.sweeping import MANIFEST

LONGER = "sweep: {grid: {model.rung: [20k, 40k], seed: [0, 1]}}\n"

IMPORTED = """\
import sys
from scaling.cli import main
sys.argv[0] = "scaling"
try:
    status = main()
except SystemExit as ended:
    status = ended.code
print("imported", *sys.modules)
sys.exit(status)
"""


def files(directory):
    return {p: p.stat().st_mtime_ns for p in directory.rglob("*") if p.is_file()}


def test_again_trains_nothing_and_ends_at_once(undisturbed):
    parts = "runs", "logs"
    before = [files(undisturbed.directory / part) for part in parts]
    started = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-c", IMPORTED, *undisturbed.command[3:]],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    seconds = time.monotonic() - started
    assert ended.returncode == 0, ended.stderr
    assert "nothing to train" in ended.stdout
    assert not {"jax", "flax", "orbax"} & set(ended.stdout.rpartition("imported")[2].split())
    assert seconds < 5
    # No worker either: it would have written to its log.
    assert [files(undisturbed.directory / part) for part in parts] == before


def test_a_further_rung_is_all_that_is_trained(copied, undisturbed):
    old = copied.runs
    before = {path: stamp for run in old for path, stamp in files(run).items()}
    copied.manifest.write_text(MANIFEST + LONGER)
    ended = copied.run()
    assert ended.returncode == 0, ended.stderr
    assert "4 of 4 runs finished" in ended.stdout
    assert {path: stamp for run in old for path, stamp in files(run).items()} == before
    new = [run for run in copied.runs if run not in old]
    assert len(new) == 2
    assert [len(list((run / "attempts").iterdir())) for run in new] == [1, 1]
    table = copied.table()
    kept = table[table["rung"] == "20k"].reset_index(drop=True)
    assert_frame_equal(kept, undisturbed.table(), check_exact=True)
    assert set(table["rung"]) == {"20k", "40k"}
