"""Eight devices compute what one does, and each of them only its share."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import pytest
from jax.sharding import PartitionSpec as P
from numpy.testing import assert_allclose

from models.ladder import Rung
from scaling.mesh import devices_to_hold
from scaling.train.sharding import make_mesh, partition
from tests.models.small import abstract, shape_of
from tests.scaling import eight_devices
from tests.scaling.conftest import values_of


def on_eight_devices(argument: str | Path) -> Any:
    """What the script prints last."""
    # Programs run for a few steps: they need not be fast, and compile in half the time.
    flags = "--xla_force_host_platform_device_count=8 --xla_backend_optimization_level=0"
    settings = {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-m", eight_devices.__name__, argument],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def by_split(found: list[dict]) -> dict[tuple[str, int, int], dict]:
    return {(x["name"], x["mesh"][0], x["mesh"][2]): x for x in found}


@pytest.fixture(scope="module")
def eight(tmp_path_factory) -> tuple[Path, dict[tuple[str, int, int], dict], dict]:
    """Where the cohort of eight devices wrote, how each split differed from one device, and
    features that all eight computed."""
    directory = tmp_path_factory.mktemp("eight")
    found = on_eight_devices(directory)
    return directory, by_split(found["splits"]), found["features"]


@pytest.fixture(scope="module")
def every_split() -> dict[tuple[str, int, int], dict]:
    """How each split differed from one device, all factorisations of eight among them."""
    return by_split(on_eight_devices("every split"))


def splits_of(table: dict) -> list[tuple[str, int, int]]:
    return [(name, *sizes) for name, splits in table.items() for sizes in splits]


def same_as_on_one_device(found: dict) -> None:
    """Adam divides by the gradient's size and so enlarges the rounding of small ones."""
    assert found["moved"] > 0.01  # so that being equal means something
    for what, apart in found["apart"].items():
        assert apart < (1e-6 if what == "losses" else 5e-4), what


def really_divided(found: dict, runs: int) -> None:
    along_run, _, fsdp = found["mesh"]
    # The program of one device: its arrays of images have its own share of runs and examples.
    assert found["has_local_batches"]
    assert not found["has_whole_batches"]
    # An eighth of the arithmetic, and the optimiser's, which examples do not divide.
    assert 1 / 8 <= found["flops"] < 1 / 4
    assert set(found["devices"]) == {8}
    assert set(found["runs_each"]) == {runs // along_run}
    # Each device holds its runs' states, and of these its share but for small arrays.
    assert 1 / (along_run * fsdp) <= found["share"] < 1.3 / (along_run * fsdp)


@pytest.mark.parametrize("split", splits_of(eight_devices.SPLITS))
def test_a_sharded_program_computes_what_one_device_does(eight, split):
    found = eight[1][split]
    _, along_run, fsdp = split
    assert found["mesh"] == [along_run, 8 // (along_run * fsdp), fsdp]
    same_as_on_one_device(found)
    really_divided(found, runs=4)


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.parametrize("split", splits_of(eight_devices.EVERY_SPLIT))
def test_every_division_of_eight_devices_computes_what_one_does(every_split, split):
    same_as_on_one_device(every_split[split])
    really_divided(every_split[split], runs=8)


def test_a_cohort_on_eight_devices_measures_what_one_device_does(eight, train):
    alone, _ = train(*eight_devices.configs(eight_devices.SOURCES["mixture"]))
    for number, directory in enumerate(alone):
        expected = values_of(directory)
        found = values_of(eight[0] / str(number))
        assert found.keys() == expected.keys()
        assert_allclose([found[k] for k in expected], list(expected.values()), rtol=1e-4)


@pytest.mark.parametrize(
    ("runs", "batch", "fsdp", "expected"),
    [
        (1, 64, 1, (1, 8, 1)),
        (3, 64, 1, (1, 8, 1)),
        (6, 64, 1, (2, 4, 1)),
        (8, 64, 1, (8, 1, 1)),
        (1, 6, 1, (1, 2, 1)),
        (1, 64, 4, (1, 2, 4)),
        (8, 64, 2, (4, 1, 2)),
        (1, 4, 4, (1, 1, 4)),
    ],
)
def test_devices_go_to_fsdp_then_to_runs_and_then_to_the_batch(runs, batch, fsdp, expected):
    devices = jax.devices() * 8  # a mesh does not ask whether they are distinct
    mesh = make_mesh(runs, batch, devices, fsdp)
    assert tuple(mesh.shape.values()) == expected
    assert mesh.axis_names == ("run", "data", "fsdp")


def test_fsdp_must_divide_devices_and_batch():
    with pytest.raises(
        ValueError, match="fsdp 3 must divide both the 8 devices and the batch of 9"
    ):
        make_mesh(1, 9, jax.devices() * 8, 3)


@pytest.mark.parametrize(
    ("state", "memory", "expected"),
    [(10e9, None, 1), (10e9, 80e9, 1), (100e9, 80e9, 4), (41e9, 80e9, 2), (1e15, 80e9, 8)],
)
def test_a_state_is_split_among_as_few_devices_as_hold_it(state, memory, expected):
    assert devices_to_hold(state, memory, 8) == expected


def key(*names):
    return tuple(jax.tree_util.DictKey(name) for name in names)


@pytest.mark.parametrize(
    ("path", "shape", "expected"),
    [
        (key("blocks", "qkv", "kernel"), (8, 64, 192), P(None, None, "fsdp")),
        (key("blocks", "contract", "kernel"), (8, 256, 64), P(None, "fsdp", None)),
        (key("patch", "kernel"), (30, 256), P(None, "fsdp")),
        (key("words"), (1001, 256), P(None, "fsdp")),
        (key("blocks", "qkv", "kernel"), (8, 66, 190), P()),
        (key("blocks", "qkv", "bias"), (8, 192), P()),
    ],
)
def test_the_longest_axis_that_divides_is_split_and_never_that_of_blocks(path, shape, expected):
    assert partition(path, shape, 4) == expected


@pytest.mark.parametrize("family", ["dit", "uvit"])
def test_no_array_is_split_along_an_axis_that_counts_blocks(family):
    """Those grow with depth, and here divide by eight as no other axis does."""
    shallow, deep = (
        abstract(family, shape_of(family, "pooled", rung=Rung(name="", depth=n, width=70, heads=1)))
        for n in {"dit": (8, 16), "uvit": (17, 33)}[family]
    )

    def split(path, leaf, other):
        axes = partition(path, leaf.shape, 8)
        return [a for a, n, m in zip(axes, leaf.shape, other.shape, strict=False) if n != m]

    found = jax.tree_util.tree_map_with_path(split, shallow, deep)
    assert not any(jax.tree.leaves(found))


def test_features_on_eight_devices_are_those_of_one(eight):
    found, alone = eight[2], eight_devices.features()
    assert (found["devices"], alone["devices"]) == ([8], [1])
    for name in ("features", "logits"):
        assert_allclose(found[name], alone[name], rtol=1e-6, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["edm2", "uvit"])
def test_other_families_are_what_they_are_on_one_device(name):
    """EDM2 with dropout and a learned log-variance; U-ViT with two stacks of blocks."""
    found = on_eight_devices(name)
    assert found["mesh"] == [2, 2, 2]
    same_as_on_one_device(found)


@pytest.mark.slow
def test_the_largest_published_size_compiles_for_eight_devices_without_being_allocated():
    found = on_eight_devices("largest")
    assert found["allocated"] < found["state"] / 4
    assert found["state"] / 8 < found["compiled"] < found["state"] / 4
    assert found["planned"] == pytest.approx(found["compiled"], rel=0.3)
