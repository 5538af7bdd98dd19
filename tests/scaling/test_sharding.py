"""Eight devices compute what one does, and each of them only its share."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import pytest
from numpy.testing import assert_allclose

from scaling.train.sharding import make_mesh
from tests.scaling import eight_devices
from tests.scaling.conftest import values_of


@pytest.fixture(scope="module")
def eight(tmp_path_factory) -> tuple[Path, dict[tuple[str, int], dict]]:
    """Where the cohort of eight devices wrote, and how each split differed from one device."""
    directory = tmp_path_factory.mktemp("eight")
    settings = {"XLA_FLAGS": "--xla_force_host_platform_device_count=8", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-m", eight_devices.__name__, directory],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    return directory, {(split["name"], split["mesh"][0]): split for split in found}


SPLITS = [(name, n) for name, splits in eight_devices.SPLITS.items() for n in splits]


@pytest.mark.parametrize("split", SPLITS)
def test_a_sharded_program_computes_what_one_device_does(eight, split):
    found = eight[1][split]
    assert found["mesh"] == [split[1], 8 // split[1], 1]
    assert found["moved"] > 1e-3  # so that being equal means something
    for what, apart in found["apart"].items():
        assert apart < 1e-5, what


@pytest.mark.parametrize("split", SPLITS)
def test_batches_and_states_really_are_divided(eight, split):
    found = eight[1][split]
    # The program of one device: its arrays of images have its own share of runs and examples.
    assert found["has_local_batches"]
    assert not found["has_whole_batches"]
    # An eighth of the arithmetic, and the optimiser's, which examples do not divide.
    assert 1 / 8 <= found["flops"] < 1 / 4
    assert set(found["devices"]) == {8}
    assert set(found["runs_each"]) == {eight_devices.RUNS // split[1]}


def test_a_cohort_on_eight_devices_measures_what_one_device_does(eight, train):
    alone, _ = train(*eight_devices.configs(eight_devices.SOURCES["mixture"]))
    for number, directory in enumerate(alone):
        expected = values_of(directory)
        found = values_of(eight[0] / str(number))
        assert found.keys() == expected.keys()
        assert_allclose([found[k] for k in expected], list(expected.values()), rtol=1e-4)


@pytest.mark.parametrize(
    ("runs", "batch", "expected"),
    [
        (1, 64, (1, 8, 1)),
        (3, 64, (1, 8, 1)),
        (6, 64, (2, 4, 1)),
        (8, 64, (8, 1, 1)),
        (1, 6, (1, 2, 1)),
    ],
)
def test_devices_go_to_runs_first_and_then_to_the_batch(runs, batch, expected):
    devices = jax.devices() * 8  # a mesh does not ask whether they are distinct
    mesh = make_mesh(runs, batch, devices)
    assert tuple(mesh.shape.values()) == expected
    assert mesh.axis_names == ("run", "data", "fsdp")
