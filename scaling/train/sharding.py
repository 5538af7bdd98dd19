"""How a cohort lies on the devices: a mesh (run, data, fsdp).

Runs are split along `run`. A run's batch is split along `data` and `fsdp`; its parameters, moments
and averages are split along `fsdp` and gathered block by block where they are used (fully sharded
data parallelism, arXiv 1910.02054).
"""

import math
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from scaling.devices import of_kind
from scaling.mesh import mesh_shape

AXES = ("run", "data", "fsdp")
EXAMPLES = ("data", "fsdp")

STACKED = "blocks"
"""Below a name that ends so (U-ViT has two stacks) a parameter's first axis counts blocks, one of
which is gathered at a time."""

WORTH_SPLITTING = 2**12
"""Numbers in the smallest parameter that is split: below, gathering costs more than it saves."""


def make_mesh(
    runs: int, batch_size: int, devices: Sequence[Any] | None = None, fsdp: int = 1
) -> Mesh:
    """Laid out by `scaling.mesh.RULE`; ValueError where `fsdp` does not divide.

    Devices of one process are neighbours along `fsdp`.
    """
    devices = list(devices or jax.devices())
    shape = mesh_shape(runs, batch_size, len(devices), fsdp)
    grid = np.array(devices[: shape.devices]).reshape(shape)
    return Mesh(grid, AXES)


def usable_bytes() -> float | None:
    """Memory of one device for jax: as its kind has it, so as planned, unless jax was given less.

    None where neither is known.
    """
    device = jax.local_devices()[0]
    known, stats = of_kind(device.device_kind), device.memory_stats()
    limits = [known and known.usable_bytes, stats and stats.get("bytes_limit")]
    return min((float(limit) for limit in limits if limit), default=None)


def partition(path: tuple[Any, ...], shape: tuple[int, ...], fsdp: int) -> P:
    """How one run's array is split along `fsdp`: its longest axis that divides, the last of equals.

    Small arrays, and those with no such axis, are held whole.
    """
    stacked = any(str(getattr(key, "key", "")).endswith(STACKED) for key in path)
    axes = range(int(stacked), len(shape))
    divisible = [axis for axis in axes if shape[axis] % fsdp == 0]
    if fsdp == 1 or not divisible or math.prod(shape) < WORTH_SPLITTING:
        return P()
    split = max(divisible, key=lambda axis: (shape[axis], axis))
    return P(*("fsdp" if axis == split else None for axis in range(len(shape))))


def of_states(mesh: Mesh, states: Any) -> Any:
    """For each array of a cohort's state (or of any tree with parameters' names in it) its place.

    Every array has a leading run axis.
    """
    fsdp = mesh.shape["fsdp"]

    def place(path: tuple[Any, ...], leaf: Any) -> NamedSharding:
        return NamedSharding(mesh, P("run", *partition(path, leaf.shape[1:], fsdp)))

    return jax.tree_util.tree_map_with_path(place, states)


def of_one(mesh: Mesh, state: Any) -> Any:
    """The same for each array of one run's state, which all places along `run` hold."""
    fsdp = mesh.shape["fsdp"]

    def place(path: tuple[Any, ...], leaf: Any) -> NamedSharding:
        return NamedSharding(mesh, partition(path, leaf.shape, fsdp))

    return jax.tree_util.tree_map_with_path(place, state)


def per_run(mesh: Mesh) -> NamedSharding:
    """Arrays with a leading run axis: seeds, rates."""
    return NamedSharding(mesh, P("run"))


def per_example(mesh: Mesh) -> NamedSharding:
    """Indices [runs, steps, batch]."""
    return NamedSharding(mesh, P("run", None, EXAMPLES))


def replicated(mesh: Mesh) -> NamedSharding:
    """Arrays that every device holds whole: the training set."""
    return NamedSharding(mesh, P())


def batch_constraint(mesh: Mesh | None, batch: Any) -> Any:
    """Inside one run's step: split every array of a batch along `data` and `fsdp`."""
    if mesh is None:
        return batch
    return jax.lax.with_sharding_constraint(batch, NamedSharding(mesh, P(EXAMPLES)))
