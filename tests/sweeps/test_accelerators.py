"""Which accelerators a machine has for jax, and who gets which."""

import pytest

from scaling import devices
from scaling.devices import has_tpu
from sweeps.engines import accelerators
from sweeps.engines.accelerators import gpus, parts


@pytest.fixture
def box(tmp_path, monkeypatch):
    """A machine of ten GPUs with jax's plugin for them."""
    for name in (*(f"nvidia{n}" for n in range(10)), "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()
    monkeypatch.setattr(accelerators, "find_spec", lambda name: name == "jax_cuda12_plugin")
    return tmp_path


def test_every_gpu_is_counted_in_its_order_and_nothing_else(box):
    assert gpus({}, box) == [str(n) for n in range(10)]
    assert not has_tpu({}, box)


def test_what_the_environment_shows_or_forbids_counts(box):
    assert gpus({"CUDA_VISIBLE_DEVICES": "3,GPU-8f"}, box) == ["3", "GPU-8f"]
    assert gpus({"CUDA_VISIBLE_DEVICES": ""}, box) == []
    assert gpus({"JAX_PLATFORMS": "cpu"}, box) == []
    assert len(gpus({"JAX_PLATFORMS": "cuda,cpu"}, box)) == 10


def test_gpus_that_jax_cannot_use_are_none(box, monkeypatch):
    monkeypatch.setattr(accelerators, "find_spec", lambda name: None)
    assert gpus({}, box) == []


def test_tpu_chips_need_their_library(tmp_path, monkeypatch):
    (tmp_path / "accel0").touch()
    assert not has_tpu({}, tmp_path)
    monkeypatch.setattr(devices, "find_spec", lambda name: name == "libtpu")
    assert has_tpu({}, tmp_path)
    assert has_tpu({"JAX_PLATFORMS": "tpu,cpu"}, tmp_path)
    assert not has_tpu({"JAX_PLATFORMS": "cpu"}, tmp_path)


def test_workers_have_disjoint_shares_where_there_are_enough():
    assert parts(["0", "1", "2", "3"], 2) == [["0", "1"], ["2", "3"]]
    assert parts(["0", "1", "2"], 2) == [["0"], ["1"]]
    assert parts(["0", "1"], 3) == [["0"], ["1"], ["0"]]
    assert parts([], 2) == [[], []]
