"""`scaling plan` says what training will do."""

import jax
import numpy as np
import pytest

from scaling.costs import input_bytes
from scaling.data import latents, memory
from scaling.data.facts import facts
from scaling.devices import DEVICES
from scaling.mesh import MeshShape
from scaling.train import sharding
from sweeps.manifest import load
from sweeps.plan import place_of, plan
from tests.scaling.conftest import tiny

MANIFEST = """\
name: split
data: {source: mixture, size: 4}
model: {rung: 40k, patch_size: 2}
train: {steps: 1000, batch_size: 16}
"""


@pytest.fixture
def manifest(tmp_path):
    def of(engine):
        (tmp_path / "split.yaml").write_text(MANIFEST + engine)
        return load(tmp_path / "split.yaml")

    return of


@pytest.mark.parametrize(
    ("engine", "asked", "mesh"),
    [
        ("", {}, (1, 1, 1)),
        ("engine: {fsdp: 4}", {}, (1, 1, 4)),
        ("engine: {fsdp: 4}", {"devices": 8}, (1, 2, 4)),
        ("engine: {fsdp: 4}", {"devices": 8, "fsdp": 2}, (1, 4, 2)),
        ("engine: {fsdp: auto}", {"devices": 8}, (1, 8, 1)),
    ],
)
def test_a_plan_splits_as_the_manifest_says_unless_it_is_asked_otherwise(
    manifest, engine, asked, mesh
):
    found = manifest(engine)
    made = plan(found, workers=1, place=place_of(found.engine, **asked))
    assert set(made.meshes.values()) == {mesh}
    if not asked:
        assert plan(found, workers=1).meshes == made.meshes


@pytest.mark.parametrize(
    ("name", "limit", "expected"),
    [
        ("h100", 63.9e9, 0.7 * 80e9),  # jax's default: 75 % of 85.2e9 bytes
        ("l4", 17.7e9, 0.7 * 24e9),
        ("h100", 20e9, 20e9),  # XLA_PYTHON_CLIENT_MEM_FRACTION
        ("tpu-v5e", 16.9e9, 16e9),
    ],
)
def test_training_goes_by_the_memory_that_was_planned_with_unless_it_has_less(
    monkeypatch, name, limit, expected
):
    class Chip:
        device_kind = DEVICES[name].names[-1]

        def memory_stats(self):
            return {"bytes_limit": limit}

    monkeypatch.setattr(jax, "local_devices", lambda: [Chip()])
    assert sharding.usable_bytes() == pytest.approx(expected)
    assert sharding.usable_bytes() <= DEVICES[name].usable_bytes


def test_of_a_cpu_no_memory_is_known():
    assert sharding.usable_bytes() is None


def test_a_plans_memory_has_the_examples_that_every_device_holds(tmp_path, monkeypatch):
    """Latents [100, 8, 8, 4] of 4 bytes, 91 of them trained on; or two calls of 5 steps of 8."""
    latents.save(tmp_path / "a.npz", mean=np.zeros((100, 8, 8, 4), np.float32))
    data = {"source": "latents", "file": str(tmp_path / "a.npz"), "scale_factor": 1.0}
    config = tiny(data=data, train__batch_size=16)
    each = 8 * 8 * 4 * 4 + 4  # and the number that stands for no condition
    mesh = MeshShape(run=1, data=2, fsdp=1)
    assert facts(config.data).examples == 91
    assert input_bytes(config, 1, mesh, 5) == 91 * each
    monkeypatch.setattr(memory, "IN_MEMORY_BYTES", 0)
    facts.cache_clear()
    assert input_bytes(config, 3, mesh, 5) == 2 * 3 * 5 * 8 * each
    facts.cache_clear()
