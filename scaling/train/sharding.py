"""How a cohort lies on the devices: a mesh (run, data, fsdp); fsdp has length one so far."""

import math
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

AXES = ("run", "data", "fsdp")


def make_mesh(runs: int, batch_size: int, devices: Sequence[Any] | None = None) -> Mesh:
    """Devices along `run` as far as the cohort divides, the rest along `data`.

    Devices that neither divides stay idle.
    """
    devices = list(devices or jax.devices())
    run = math.gcd(runs, len(devices))
    data = math.gcd(batch_size, len(devices) // run)
    grid = np.array(devices[: run * data]).reshape(run, data, 1)
    return Mesh(grid, AXES)


def per_run(mesh: Mesh) -> NamedSharding:
    """Arrays with a leading run axis: states, seeds, rates."""
    return NamedSharding(mesh, P("run"))


def per_example(mesh: Mesh) -> NamedSharding:
    """Indices [runs, steps, batch]."""
    return NamedSharding(mesh, P("run", None, "data"))


def replicated(mesh: Mesh) -> NamedSharding:
    """Arrays that every device holds whole: the training set."""
    return NamedSharding(mesh, P())


def batch_constraint(mesh: Mesh | None, batch: Any) -> Any:
    """Inside one run's step: split every array of a batch along `data`."""
    if mesh is None:
        return batch
    return jax.lax.with_sharding_constraint(batch, NamedSharding(mesh, P("data")))
