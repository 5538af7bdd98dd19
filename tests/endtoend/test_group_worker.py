"""A worker of two processes: the numbers of one, also where one of the two is killed."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from scaling.checkpoint import steps
from sweeps.collect import collect
from sweeps.store import Store
from sweeps.store.claims import numbers
from tests.endtoend.sweeping import STEPS, Sweep, halted_at, training

KEYS = ["run", "steps", "weights", "split", "metric", "log_snr"]


def prepared(parent):
    sweep = Sweep.make(parent)
    done = subprocess.run([*sweep.command, "--prepare"], capture_output=True, text=True, check=True)
    assert "start `scaling worker" in done.stdout
    return sweep


def two(sweep):
    """Both processes of one worker, each of them on a device of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    return [
        subprocess.Popen(
            [sys.executable, "-m", "scaling", "worker", str(sweep.directory)],
            env={
                **os.environ,
                "SCALING_COORDINATOR": address,
                "SCALING_PROCESSES": "2",
                "SCALING_PROCESS": str(number),
                "SCALING_SILENCE": "15",
                "JAX_PLATFORMS": "cpu",
            },
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        for number in range(2)
    ]


def assert_same_numbers(sweep, undisturbed):
    collect(Store.open(sweep.directory))
    found, expected = (s.table().sort_values(KEYS).reset_index() for s in (sweep, undisturbed))
    assert found[KEYS].equals(expected[KEYS])
    # What is left above a floor is a small difference of losses that agree so far.
    np.testing.assert_allclose(found["value"], expected["value"], rtol=1e-5, atol=1e-7)


def early(attempt):
    """In training, with a checkpoint, and with some calls yet to come."""
    return training(attempt) and 0 < max(steps(attempt / "checkpoints")) <= STEPS / 2


@pytest.mark.slow
def test_asked_to_stop_both_save_and_others_go_on(undisturbed, tmp_path):
    sweep = prepared(tmp_path)
    both = two(sweep)
    # The first is held meanwhile, so that both are not done before the second is asked.
    while not halted_at(both[0].pid, [run / "attempts" / "1" for run in sweep.runs], early):
        assert both[0].poll() is None
        time.sleep(0.002)
    both[1].send_signal(signal.SIGTERM)  # the one that does not write
    both[0].send_signal(signal.SIGCONT)
    assert [process.wait(timeout=300) for process in both] == [75, 75]
    again = [sys.executable, "-m", "scaling", "worker", str(sweep.directory)]
    assert subprocess.run(again, check=False, capture_output=True).returncode == 0
    assert all(numbers(run / "claims") == [1, 2] for run in sweep.runs)
    assert all(0 < result["trained_steps"] < result["step"] for result in sweep.results())
    assert_same_numbers(sweep, undisturbed)


@pytest.mark.slow
def test_killed_one_ends_the_other_and_a_new_pair_goes_on(undisturbed, tmp_path):
    sweep = prepared(tmp_path)
    both = two(sweep)

    def all_early(_):
        return all(early(run / "attempts" / "1") for run in sweep.runs)

    while not halted_at(both[0].pid, [sweep.directory], all_early):
        assert both[0].poll() is None
        time.sleep(0.002)
    both[1].kill()
    both[1].wait()
    both[0].send_signal(signal.SIGCONT)
    assert both[0].wait(timeout=120) not in (0, 2)
    for run in sweep.runs:
        for path in run.glob("attempts/1/ended.json"):
            assert json.loads(path.read_text())["status"] == "lost", "held against the run"
    assert [process.wait(timeout=300) for process in two(sweep)] == [0, 0]
    assert all(numbers(run / "claims") == [1, 2] for run in sweep.runs)
    assert all(0 < result["trained_steps"] < result["step"] for result in sweep.results())
    assert_same_numbers(sweep, undisturbed)
