"""Several processes on loopback train one cohort: one device's numbers, and its checkpoints."""

import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest

from scaling import checkpoint, group
from scaling.errors import InputError
from scaling.group import Group, group_of
from tests.scaling.conftest import rows_of


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def start(asked, devices, **variables):
    settings = {
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
        "JAX_PLATFORMS": "cpu",
        **variables,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "tests.scaling.two_processes", json.dumps(asked)],
        env={**os.environ, **settings},
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(*processes):
    for process in processes:
        _, said = process.communicate(timeout=300)
        assert process.returncode == 0, said[-3000:]


def asked_of(directory, devices, fsdp, stop, earlier):
    earlier = str(earlier) if earlier else None
    directory = str(directory)
    return {
        "directory": directory, "devices": devices, "fsdp": fsdp, "stop": stop, "earlier": earlier
    }  # fmt: skip


def in_one(directory, *, devices=1, fsdp=1, stop=50, earlier=None):
    finished(start(asked_of(directory, devices, fsdp, stop, earlier), devices))
    return directory


def in_two(directory, *, devices=2, fsdp=1, stop=50, earlier=None):
    """`devices` in each of two processes."""
    asked = asked_of(directory, 2 * devices, fsdp, stop, earlier)
    together = {"SCALING_COORDINATOR": f"127.0.0.1:{free_port()}", "SCALING_PROCESSES": "2"}
    finished(*(start(asked, devices, **together, SCALING_PROCESS=str(i)) for i in range(2)))
    return directory


def curve(directory, seed):
    """Every measurement by what it is of, but for the time it took."""
    return {
        (r["horizon"], r["weights"], r["split"], r["metric"], r["log_snr"]): r["value"]
        for r in rows_of(directory / str(seed))
    }


def assert_same(found, expected):
    for seed in range(2):
        one, other = curve(found, seed), curve(expected, seed)
        assert one.keys() == other.keys()
        assert len(one) > 50
        np.testing.assert_allclose(list(one.values()), list(other.values()), rtol=1e-5)


@pytest.fixture(scope="module")
def one_device(tmp_path_factory):
    return in_one(tmp_path_factory.mktemp("one"))


@pytest.mark.slow
def test_two_processes_of_two_devices_train_as_one_device_does(one_device, tmp_path):
    assert_same(in_two(tmp_path / "data"), one_device)


@pytest.mark.slow
def test_eight_devices_train_as_one_and_one_or_two_go_on_from_their_checkpoint(
    one_device, tmp_path
):
    half = in_one(tmp_path / "half", devices=8, fsdp=4, stop=25)
    (saved,) = checkpoint.steps(half / "0" / "checkpoints")
    assert 25 <= saved < 50
    for devices in (1, 2, 8):
        on = in_one(tmp_path / str(devices), devices=devices, fsdp=devices // 2 or 1, earlier=half)
        assert_same(on, one_device)


@pytest.mark.slow
def test_two_processes_that_split_the_state_go_on_from_their_checkpoint_and_so_does_one(
    one_device, tmp_path
):
    half = in_two(tmp_path / "half", fsdp=2, stop=25)
    assert checkpoint.steps(half / "1" / "checkpoints")
    assert_same(in_two(tmp_path / "two", fsdp=4, earlier=half), one_device)
    assert_same(in_one(tmp_path / "one", earlier=half), one_device)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "1"}, None),
        (
            {
                "SCALING_COORDINATOR": "node:1234",
                "SCALING_PROCESSES": "4",
                "SCALING_PROCESS": "3",
            },
            Group(coordinator="node:1234", processes=4, process=3),
        ),
        (
            {
                "SLURM_STEP_NUM_TASKS": "2",
                "SLURM_PROCID": "1",
                "SLURM_STEP_NODELIST": "gpu[007-008,12],cpu1",
                "SLURM_JOB_ID": "40001",
            },
            Group(coordinator="gpu007:20001", processes=2, process=1),
        ),
    ],
)
def test_who_a_process_is_stands_in_its_environment(environment, expected):
    assert group_of(environment) == expected


def test_half_told_is_refused_with_what_is_missing():
    with pytest.raises(InputError, match="set without SCALING_PROCESSES, SCALING_PROCESS"):
        group_of({"SCALING_COORDINATOR": "node:1"})
    with pytest.raises(InputError, match="which of them from 0 on; not 'node:1', '2', '2'"):
        group_of(
            {"SCALING_COORDINATOR": "node:1", "SCALING_PROCESSES": "2", "SCALING_PROCESS": "2"}
        )


@pytest.mark.parametrize(
    ("nodes", "first"), [("n1", "n1"), ("n[3,5-7]", "n3"), ("a-b[08-09],c", "a-b08"), ("x,y", "x")]
)
def test_the_first_node_of_a_list_as_slurm_writes_it(nodes, first):
    assert group.first_host(nodes) == first
