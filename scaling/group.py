"""Several processes that compute one cohort together: how they meet, and what they agree on.

Every process runs the same program on its own devices. The first alone claims runs and writes; it
tells the others what was decided, so that all of them call the same collectives in the same order.
With one process everything here is the identity. Nothing here imports jax before it must: a group
has to be joined before jax looks for devices.
"""

import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scaling.devices import has_tpu
from scaling.errors import InputError

SILENCE_SECONDS = 60
"""After so long without a word of a process the others are ended; an engine starts them anew. The
variable SCALING_SILENCE says otherwise."""

NO_CLUSTER = "coordinator_address"
"""What jax misses where nothing tells it of other processes."""

PORTS = range(20_000, 60_000)
"""From which SLURM's jobs take their own, by the job's number."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Where the first process listens, how many there are, and which this one is."""

    coordinator: str
    processes: int
    process: int


def group_of(environment: Mapping[str, str]) -> Group | None:
    """As the environment tells: our own variables, or those of SLURM's tasks; None if alone.

    Raises InputError where only some are set, or make no sense.
    """
    names = ("SCALING_COORDINATOR", "SCALING_PROCESSES", "SCALING_PROCESS")
    given = {name: environment[name] for name in names if environment.get(name)}
    if len(given) == len(names):
        address, processes, process = (given[name] for name in names)
        return _checked(address, processes, process, ", ".join(names))
    if given:
        missing = ", ".join(name for name in names if name not in given)
        raise InputError(f"{', '.join(given)} set without {missing}: several processes need all")
    tasks = environment.get("SLURM_STEP_NUM_TASKS", "1")
    if tasks == "1":
        return None
    host = first_host(environment.get("SLURM_STEP_NODELIST", ""))
    port = PORTS[int(environment.get("SLURM_JOB_ID", "0")) % len(PORTS)]
    own = environment.get("SLURM_PROCID", "")
    return _checked(f"{host}:{port}", tasks, own, "SLURM_STEP_NUM_TASKS, SLURM_PROCID")


def _checked(address: str, processes: str, process: str, names: str) -> Group:
    numbers = processes.isdigit() and process.isdigit()
    if not numbers or int(process) >= int(processes) or ":" not in address:
        raise InputError(
            f"{names}: expected HOST:PORT, how many processes, and which of them from 0 on; "
            f"not '{address}', '{processes}', '{process}'"
        )
    return Group(coordinator=address, processes=int(processes), process=int(process))


def first_host(nodes: str) -> str:
    """Of a list as SLURM writes it: `n[03-05,9],m1` begins with `n03`."""
    found = re.match(r"([^,\[]+)(?:\[(\w+))?", nodes)
    if found is None:
        raise InputError(f"SLURM_STEP_NODELIST: expected names of nodes, not '{nodes}'")
    return found[1] + (found[2] or "")


def join(group: Group | None) -> None:
    """Meet the others, once in a process and before anything computes.

    On hosts of a TPU there is no need of `group`: jax asks the machine, on GCE the server of
    metadata, on GKE the environment. A host that knows of no others computes alone.
    """
    if (group is None and not has_tpu()) or (group is not None and group.processes == 1):
        return
    from jax import distributed

    given = os.environ.get("SCALING_SILENCE", str(SILENCE_SECONDS))
    if not given.isdigit() or not int(given):
        raise InputError(f"SCALING_SILENCE: expected a whole number of seconds, not '{given}'")
    limits: dict[str, Any] = {
        "heartbeat_timeout_seconds": int(given),
        "shutdown_timeout_seconds": int(given),
    }
    if group is not None:
        distributed.initialize(group.coordinator, group.processes, group.process, **limits)
        return
    try:
        distributed.initialize(**limits)
    except (ValueError, OSError) as error:  # of jax that found no cluster; of its metadata query
        if isinstance(error, ValueError) and NO_CLUSTER not in str(error):
            raise
        print(f"this TPU host knows of no others ({error}); it computes alone", file=sys.stderr)


def is_first() -> bool:
    """Whether this process is the one that claims and writes."""
    import jax

    return jax.process_index() == 0


def alone() -> bool:
    """Whether there is no other."""
    import jax

    return jax.process_count() == 1


def told_by_first(value: Any) -> Any:
    """What the first process gives, to all; anything that JSON can say."""
    if alone():
        return value
    from jax.experimental.multihost_utils import broadcast_one_to_all
    from numpy import frombuffer, int32, pad, uint8

    text = frombuffer(json.dumps(value).encode() if is_first() else b"", uint8)
    size = int(broadcast_one_to_all(int32(len(text))))
    whole = broadcast_one_to_all(pad(text, (0, size - len(text))))
    return json.loads(bytes(whole.astype(uint8)))  # it comes back in a wider type


def any_of(flag: bool) -> bool:
    """Whether it is set in any process."""
    if alone():
        return flag
    from jax.experimental.multihost_utils import process_allgather
    from numpy import int32

    return bool(process_allgather(int32(flag)).any())


def wait_for_all(where: str) -> None:
    """Until every process is there."""
    if not alone():
        from jax.experimental.multihost_utils import sync_global_devices

        sync_global_devices(where)


def to_host(tree: Any) -> Any:
    """Whole arrays of numpy, in every process, of arrays that lie on the devices of all."""
    import jax
    import numpy as np

    if alone():
        return jax.device_get(tree)
    from jax.experimental.multihost_utils import process_allgather

    def whole(leaf: Any) -> np.ndarray:
        here = not isinstance(leaf, jax.Array) or leaf.is_fully_addressable
        if here or leaf.is_fully_replicated:
            return np.asarray(leaf)
        return np.asarray(process_allgather(leaf, tiled=True))

    return jax.tree.map(whole, tree)
