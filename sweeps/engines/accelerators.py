"""The accelerators of this machine, and how workers share them."""

import os
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from scaling.devices import has_tpu
from sweeps.engines.cores import available_cores

VISIBLE = "CUDA_VISIBLE_DEVICES"
CUDA_PLUGINS = ("jax_cuda12_plugin", "jax_cuda13_plugin")
"""Without one of these jax would not use a GPU that is there."""


def gpus(environment: Mapping[str, str] = os.environ, devices: Path = Path("/dev")) -> list[str]:
    """NVIDIA's that jax may use, by what CUDA_VISIBLE_DEVICES calls them; none on other machines.

    Nothing is asked of the driver, which would take memory on each.
    """
    if environment.get("JAX_PLATFORMS", "cuda").split(",")[0] not in ("cuda", "gpu"):
        return []
    if not any(find_spec(name) for name in CUDA_PLUGINS):
        return []
    if VISIBLE in environment:
        return [name for name in environment[VISIBLE].split(",") if name not in ("", "-1")]
    numbers = (path.name.removeprefix("nvidia") for path in devices.glob("nvidia[0-9]*"))
    return [str(n) for n in sorted(int(number) for number in numbers if number.isdigit())]


def places() -> int:
    """Workers that this machine has room for: one for each GPU, for all chips of a TPU, or a core.

    A GPU's small runs need no more than one, which then shares nothing that could fail.
    """
    return len(gpus()) or (1 if has_tpu() else len(available_cores()))


def parts(found: Sequence[str], workers: int) -> list[list[str]]:
    """Of each worker: equally many where there are enough, else one that several share."""
    if not found:
        return [[] for _ in range(workers)]
    each = max(1, len(found) // workers)
    return [[found[(w * each + i) % len(found)] for i in range(each)] for w in range(workers)]
