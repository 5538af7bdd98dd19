"""What kinds of accelerators can do at most, as their makers say."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from scaling.errors import InputError

GB = 1e9


@dataclass(frozen=True, kw_only=True)
class Device:
    """Dense FLOP/s of matrix products by `train.precision`, and bytes of memory.

    float32 is what jax makes of it by default: TF32 on NVIDIA's, one pass of bfloat16 on TPUs.
    `kind` is a part of the name by which jax calls the device.
    """

    kind: str
    bfloat16: float
    float32: float
    bytes: float

    def flops_per_second(self, precision: str) -> float:
        """At most."""
        return {"bfloat16": self.bfloat16, "float32": self.float32}[precision]


# NVIDIA's data sheets (SXM, without sparsity) and Google's pages on Cloud TPU versions.
DEVICES: dict[str, Device] = {
    "a100": Device(kind="A100", bfloat16=312e12, float32=156e12, bytes=80 * GB),
    "a100-40gb": Device(kind="A100-SXM4-40GB", bfloat16=312e12, float32=156e12, bytes=40 * GB),
    "h100": Device(kind="H100", bfloat16=989e12, float32=494e12, bytes=80 * GB),
    "h200": Device(kind="H200", bfloat16=989e12, float32=494e12, bytes=141 * GB),
    "l4": Device(kind="NVIDIA L4", bfloat16=121e12, float32=60e12, bytes=24 * GB),
    "rtx4090": Device(kind="RTX 4090", bfloat16=165e12, float32=82.6e12, bytes=24 * GB),
    "tpu-v4": Device(kind="TPU v4", bfloat16=275e12, float32=275e12, bytes=32 * GB),
    "tpu-v5e": Device(kind="TPU v5 lite", bfloat16=197e12, float32=197e12, bytes=16 * GB),
    "tpu-v5p": Device(kind="TPU v5", bfloat16=459e12, float32=459e12, bytes=95 * GB),
    "tpu-v6e": Device(kind="TPU v6 lite", bfloat16=918e12, float32=918e12, bytes=32 * GB),
}


def named(name: str) -> Device:
    """By the name in DEVICES; InputError for one that is not there."""
    if name not in DEVICES:
        raise InputError(f"no device '{name}'; there are: {', '.join(DEVICES)}")
    return DEVICES[name]


def of_kind(kind: str) -> Device | None:
    """By what jax calls it; None for one that is not known, such as a CPU."""
    fitting = (device for device in DEVICES.values() if device.kind in kind)
    return max(fitting, key=lambda device: len(device.kind), default=None)


def has_tpu(environment: Mapping[str, str] = os.environ, devices: Path = Path("/dev")) -> bool:
    """Whether jax would use TPU chips here, which one process must hold together."""
    if "tpu" not in environment.get("JAX_PLATFORMS", "tpu").split(","):
        return False
    chips = [*devices.glob("accel[0-9]*"), *devices.glob("vfio/[0-9]*")]
    return bool(chips) and find_spec("libtpu") is not None
