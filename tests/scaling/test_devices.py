"""Kinds of devices, and the rule that lays a cohort out on them."""

import numpy as np
import pytest
from jax.sharding import Mesh

from scaling.devices import DEVICES, of_kind
from scaling.environment import utilisation
from scaling.mesh import mesh_shape


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("NVIDIA A100-SXM4-80GB", "a100"),
        ("NVIDIA A100-SXM4-40GB", "a100-40gb"),
        ("A100-SXM4-40GB", "a100-40gb"),
        ("NVIDIA A100 80GB PCIe", "a100"),
        ("NVIDIA A10", "a10"),
        ("NVIDIA H100 80GB HBM3", "h100"),
        ("NVIDIA H100 PCIe", "h100-pcie"),
        ("NVIDIA H20", "h20"),
        ("NVIDIA H200", "h200"),
        ("NVIDIA B200", "b200"),
        ("NVIDIA GB200", "gb200"),
        ("NVIDIA L4", "l4"),
        ("NVIDIA L40", "l40"),
        ("NVIDIA L40S", "l40s"),
        ("NVIDIA GeForce RTX 4090", "rtx4090"),
        ("TPU v4", "tpu-v4"),
        ("TPU v5 lite", "tpu-v5e"),
        ("TPU v5", "tpu-v5p"),
        ("TPU v5p", "tpu-v5p"),
    ],
)
def test_a_device_is_known_by_what_jax_calls_it(kind, name):
    assert of_kind(kind) == DEVICES[name]


@pytest.mark.parametrize(
    "kind",
    [
        "cpu",
        "NVIDIA A10G",
        "NVIDIA H100 80GB HBM3 MIG 1g.10gb",
        "NVIDIA GeForce RTX 4090 Laptop GPU",
        "TPU v5 lite core",
    ],
)
def test_what_is_called_otherwise_is_another_device(kind):
    assert of_kind(kind) is None


def test_peaks_are_dense_ones():
    """TF32 runs at half the rate of bfloat16, and memory is what its maker prints."""
    for name, device in DEVICES.items():
        ratio = 1 if name.startswith("tpu") else 2
        assert device.bfloat16 / device.float32 == pytest.approx(ratio, rel=0.02)
    assert DEVICES["h100"].flops_per_second("bfloat16") == 989e12


def test_utilisation_is_of_what_all_devices_of_the_mesh_could_do():
    class Chip:
        def __init__(self, kind):
            self.device_kind = kind

    def mesh(kind, count):
        return Mesh(np.array([Chip(kind) for _ in range(count)]), ("run",))

    rate = 0.25 * 4 * 362e12
    assert utilisation(rate, mesh("NVIDIA L40S", 4), "bfloat16") == pytest.approx(0.25)
    assert utilisation(rate, mesh("NVIDIA L40S", 4), "float32") == pytest.approx(0.25 * 362 / 183)
    assert utilisation(rate, mesh("cpu", 4), "float32") is None
    assert utilisation(None, mesh("NVIDIA L40S", 4), "float32") is None


@pytest.mark.parametrize(
    ("runs", "batch", "devices", "fsdp", "expected"),
    [
        (4, 16, 8, 1, (4, 2, 1)),
        (4, 16, 8, 4, (2, 1, 4)),
        (3, 16, 8, 1, (1, 8, 1)),
        (1, 6, 8, 2, (1, 1, 2)),
        (6, 64, 64, 8, (2, 4, 8)),
    ],
)
def test_devices_go_to_the_state_then_to_runs_then_to_the_batch(
    runs, batch, devices, fsdp, expected
):
    shape = mesh_shape(runs, batch, devices, fsdp)
    assert shape == expected
    assert shape.devices <= devices
    assert shape.devices == shape.run * shape.of_one_run
