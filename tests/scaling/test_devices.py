"""Kinds of devices, and the rule that lays a cohort out on them."""

import pytest

from scaling.devices import DEVICES, of_kind
from scaling.mesh import mesh_shape


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("NVIDIA A100-SXM4-80GB", "a100"),
        ("NVIDIA A100-SXM4-40GB", "a100-40gb"),
        ("NVIDIA H100 80GB HBM3", "h100"),
        ("TPU v4", "tpu-v4"),
        ("TPU v5 lite", "tpu-v5e"),
        ("TPU v5", "tpu-v5p"),
        ("TPU v5p", "tpu-v5p"),
    ],
)
def test_a_device_is_known_by_what_jax_calls_it(kind, name):
    assert of_kind(kind) == DEVICES[name]


def test_a_cpu_has_no_published_peak():
    assert of_kind("cpu") is None


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
