"""`scaling plan` says what training will do."""

import jax
import pytest

from scaling.devices import DEVICES
from scaling.train import sharding
from sweeps.manifest import load
from sweeps.plan import place_of, plan

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
