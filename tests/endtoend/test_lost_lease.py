"""A worker that sleeps through its lease, in real training, finds itself replaced and leaves."""

import os
import signal
import subprocess
import sys
import time

import pytest
from pandas.testing import assert_frame_equal

from sweeps.store.writing import read_json
from tests.endtoend.sweeping import Sweep, progress, stop_at, training


@pytest.mark.slow
def test_a_worker_that_wakes_after_its_lease_writes_nothing_more(undisturbed, tmp_path):
    sweep = Sweep.make(tmp_path)
    supervisor = sweep.start()
    sleeper = stop_at(sweep, supervisor, training, after=0)
    long_ago = time.time() - 3600
    for run in sweep.runs:
        os.utime(run / "claims" / "1", (long_ago, long_ago))
    second = subprocess.run(
        [sys.executable, "-m", "scaling", "worker", str(sweep.directory)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert second.returncode == 0, second.stderr
    assert {result["attempt"] for result in sweep.results()} == {2}
    before = {path: path.read_bytes() for run in sweep.runs for path in _files(run)}
    os.kill(sleeper, signal.SIGCONT)
    assert supervisor.wait(timeout=300) == 0
    for run in sweep.runs:  # said by the supervisor, which saw the sleeper end
        assert read_json(run / "attempts" / "1" / "ended.json")["status"] == "lost"
        (run / "attempts" / "1" / "ended.json").unlink()
    assert {path: path.read_bytes() for run in sweep.runs for path in _files(run)} == before
    assert all(progress(run / "attempts" / "1")["phase"] == "train" for run in sweep.runs)
    assert_frame_equal(sweep.table(), undisturbed.table(), check_exact=True)


def _files(run):
    """What the run's attempts and its result hold."""
    return [p for p in [*run.rglob("attempts/*/*.json*"), run / "result.json"] if p.is_file()]
