"""What a run was computed on, for the record."""

import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
from jax.sharding import Mesh

from scaling.devices import of_kind

PACKAGES = ("diffusion-scaling", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")


def describe() -> dict[str, Any]:
    """Versions and devices."""
    device = jax.local_devices()[0]
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "platform": device.platform,
        "device": device.device_kind,
        "devices": jax.device_count(),
        "cores": len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count(),
        "versions": {name: version(name) for name in PACKAGES},
    }


def utilisation(flops_per_second: float | None, mesh: Mesh, precision: str) -> float | None:
    """Model FLOPs utilisation (Chowdhery et al. 2022, arXiv 2204.02311, appendix B).

    None where nothing was trained, or where nobody has said what such a device can do.
    """
    device = of_kind(mesh.devices.flat[0].device_kind)
    if flops_per_second is None or device is None:
        return None
    return flops_per_second / (mesh.size * device.flops_per_second(precision))


def on_accelerator() -> bool:
    """Whether this process computes on anything but a CPU."""
    return jax.default_backend() != "cpu"


def use_compilation_cache(directory: Path | None) -> None:
    """Keep compiled programs on disk, so that a shape is compiled once per machine."""
    if directory is not None:
        jax.config.update("jax_compilation_cache_dir", str(directory))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


def compiler_options() -> dict[str, int | str]:
    """For `jax.jit`: on a CPU, LLVM's first level, and YNNPACK for reductions alone.

    The first level halves the time to compile a training step, which then runs as fast as with the
    third. XLA's other library, Eigen, is the quicker one at matrix products: steps take 2 to 6 %
    less time, and reductions without YNNPACK would cost a small model more than that.
    """
    if on_accelerator():
        return {}
    options: dict[str, int | str] = {"xla_backend_optimization_level": 1}
    if jax.__version_info__ >= (0, 12):  # earlier ones do not all know the option
        options["xla_cpu_experimental_ynn_fusion_type"] = "LIBRARY_FUSION_TYPE_REDUCE"
    return options
