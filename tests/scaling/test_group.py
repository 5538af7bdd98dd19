"""Several processes on loopback train one cohort: one device's numbers, and its checkpoints."""

import json
import os
import socket
import subprocess
import sys

import jax
import numpy as np
import pytest

from scaling import checkpoint, group
from scaling.errors import InputError
from scaling.group import Group, group_of
from tests.scaling.conftest import rows_of
from tests.scaling.data.files import sets


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


DIGITS = {"source": "digits"}


def asked_of(directory, devices, fsdp, stop, earlier, data):
    earlier = str(earlier) if earlier else None
    directory = str(directory)
    return {
        "directory": directory, "devices": devices, "fsdp": fsdp, "stop": stop, "earlier": earlier,
        "data": data,
    }  # fmt: skip


def in_one(directory, *, devices=1, fsdp=1, stop=50, earlier=None, data=DIGITS):
    finished(start(asked_of(directory, devices, fsdp, stop, earlier, data), devices))
    return directory


def in_two(directory, *, devices=2, fsdp=1, stop=50, earlier=None, data=DIGITS):
    """`devices` in each of two processes."""
    asked = asked_of(directory, 2 * devices, fsdp, stop, earlier, data)
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


@pytest.mark.slow
def test_a_streamed_set_is_read_on_in_mid_epoch_on_another_count_of_processes(tmp_path):
    """An epoch is 3.6 steps; each of two processes reads half of every batch."""
    sets.webdataset(tmp_path / "set", sets.told(64))
    data = {"source": "files", "path": str(tmp_path / "set"), "size": 8, "channels": 1}
    data |= {"augment": {"flip": True, "shift": 1}}
    undisturbed = in_one(tmp_path / "undisturbed", data=data)
    half = in_two(tmp_path / "half", devices=1, stop=25, data=data)
    (saved,) = checkpoint.steps(half / "0" / "checkpoints")
    assert 25 <= saved < 50
    assert_same(in_one(tmp_path / "resumed", earlier=half, data=data), undisturbed)


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


@pytest.fixture
def tpu_host(monkeypatch):
    """A host with TPU chips, and what `jax.distributed.initialize` was called with."""
    called = []
    monkeypatch.setattr(group, "has_tpu", lambda: True)
    monkeypatch.setattr(jax.distributed, "initialize", lambda *a, **more: called.append((a, more)))
    return called


def test_on_tpu_hosts_jax_is_asked_for_the_others_whatever_tells_of_them(tpu_host):
    group.join(None)
    ((given, limits),) = tpu_host
    assert given == ()
    assert limits.keys() == {"heartbeat_timeout_seconds", "shutdown_timeout_seconds"}


def test_elsewhere_nobody_is_waited_for(tpu_host, monkeypatch):
    monkeypatch.setattr(group, "has_tpu", lambda: False)
    group.join(None)
    group.join(Group(coordinator="node:1", processes=1, process=0))
    assert tpu_host == []


METADATA = {
    "agent-worker-number": "1",
    "worker-network-endpoints": "a:0:10.0.0.1,b:1:10.0.0.2",
    "tpu-env": "WORKER_ID: '1'\n",
}


def test_hosts_of_a_pod_on_gce_are_found_by_their_metadata(monkeypatch):
    """jax's detection itself, its server of metadata in place of Google's."""
    from jax._src.clusters import ClusterEnv, cloud_tpu_cluster

    monkeypatch.setattr(group, "has_tpu", lambda: True)
    monkeypatch.setattr(cloud_tpu_cluster, "running_in_cloud_tpu_vm", True)
    monkeypatch.delenv("TPU_SKIP_MDS_QUERY", raising=False)
    monkeypatch.setattr(cloud_tpu_cluster, "get_metadata", lambda key: (METADATA[key], 200))
    found = []

    def initialize(**limits):
        found.extend(
            ClusterEnv.auto_detect_unset_distributed_params(None, None, None, None, None, 10)
        )

    monkeypatch.setattr(jax.distributed, "initialize", initialize)
    group.join(None)
    assert found == ["10.0.0.1:8482", 2, 1, None]


def test_a_tpu_host_without_others_computes_alone_and_says_so():
    """In a process of its own: jax must not have looked for devices. It finds no cluster here."""
    program = (
        "from scaling import group; group.has_tpu = lambda: True; group.join(None);"
        "assert group.alone()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "knows of no others (coordinator_address should be defined" in done.stderr


def test_a_pod_that_is_half_told_is_no_host_alone(tpu_host, monkeypatch):
    def initialize(**limits):
        raise ValueError("Number of processes must be defined.")

    monkeypatch.setattr(jax.distributed, "initialize", initialize)
    with pytest.raises(ValueError, match="Number of processes"):
        group.join(None)
