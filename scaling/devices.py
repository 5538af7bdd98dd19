"""What kinds of accelerators can do at most, as their makers say."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from scaling.errors import InputError

GB = 1e9
USABLE = 0.7
"""Of a GPU's memory: jax takes 75 % by default, of a little less than its maker prints."""


@dataclass(frozen=True, kw_only=True)
class Device:
    """Dense FLOP/s of matrix products by `train.precision`, and bytes of memory.

    float32 is what jax makes of it by default: TF32 on NVIDIA's, one pass of bfloat16 on TPUs.
    `names` are all by which jax calls the device, whole: of one that is named otherwise, such as a
    part of a GPU, nothing is known.
    """

    names: tuple[str, ...]
    bfloat16: float
    float32: float
    bytes: float
    usable: float = 1.0  # share of its memory, for jax

    @property
    def usable_bytes(self) -> float:
        """Of its memory, for jax."""
        return self.usable * self.bytes

    def flops_per_second(self, precision: str) -> float:
        """At most."""
        return {"bfloat16": self.bfloat16, "float32": self.float32}[precision]


def gpu(*names: str, bfloat16: float, float32: float, bytes: float) -> Device:
    """One of NVIDIA's; older drivers leave the maker out of its name."""
    called = (*names, *(f"NVIDIA {name}" for name in names))
    return Device(names=called, bfloat16=bfloat16, float32=float32, bytes=bytes, usable=USABLE)


def tpu(*names: str, bfloat16: float, bytes: float) -> Device:
    """One of Google's."""
    return Device(names=names, bfloat16=bfloat16, float32=bfloat16, bytes=bytes)


# NVIDIA's data sheets, without sparsity, and Google's pages on Cloud TPU versions.
DEVICES: dict[str, Device] = {
    "a10": gpu("A10", bfloat16=125e12, float32=62.5e12, bytes=24 * GB),
    "a30": gpu("A30", bfloat16=165e12, float32=82e12, bytes=24 * GB),
    "a40": gpu("A40", bfloat16=149.7e12, float32=74.8e12, bytes=48 * GB),
    "a100": gpu("A100-SXM4-80GB", "A100 80GB PCIe", bfloat16=312e12, float32=156e12, bytes=80 * GB),
    "a100-40gb": gpu(
        "A100-SXM4-40GB", "A100-PCIE-40GB", bfloat16=312e12, float32=156e12, bytes=40 * GB
    ),
    "h20": gpu("H20", bfloat16=148e12, float32=74e12, bytes=96 * GB),
    "h100": gpu("H100 80GB HBM3", bfloat16=989e12, float32=494e12, bytes=80 * GB),
    "h100-pcie": gpu("H100 PCIe", bfloat16=756e12, float32=378e12, bytes=80 * GB),
    "h100-nvl": gpu("H100 NVL", bfloat16=835e12, float32=417e12, bytes=94 * GB),
    "gh200": gpu("GH200 480GB", bfloat16=989e12, float32=494e12, bytes=96 * GB),
    "h200": gpu("H200", bfloat16=989e12, float32=494e12, bytes=141 * GB),
    "h200-nvl": gpu("H200 NVL", bfloat16=835e12, float32=417e12, bytes=141 * GB),
    "b200": gpu("B200", bfloat16=2250e12, float32=1125e12, bytes=180 * GB),
    "gb200": gpu("GB200", bfloat16=2500e12, float32=1250e12, bytes=186 * GB),
    "l4": gpu("L4", bfloat16=121e12, float32=60e12, bytes=24 * GB),
    "l40": gpu("L40", bfloat16=181e12, float32=90.5e12, bytes=48 * GB),
    "l40s": gpu("L40S", bfloat16=362e12, float32=183e12, bytes=48 * GB),
    "rtx4090": gpu("GeForce RTX 4090", bfloat16=165e12, float32=82.6e12, bytes=24 * GB),
    "tpu-v4": tpu("TPU v4", bfloat16=275e12, bytes=32 * GB),
    "tpu-v5e": tpu("TPU v5 lite", "TPU v5e", bfloat16=197e12, bytes=16 * GB),
    "tpu-v5p": tpu("TPU v5", "TPU v5p", bfloat16=459e12, bytes=95 * GB),
    "tpu-v6e": tpu("TPU v6 lite", "TPU v6e", bfloat16=918e12, bytes=32 * GB),
}


def named(name: str) -> Device:
    """By the name in DEVICES; InputError for one that is not there."""
    if name not in DEVICES:
        raise InputError(f"no device '{name}'; there are: {', '.join(DEVICES)}")
    return DEVICES[name]


def of_kind(kind: str) -> Device | None:
    """By the whole of what jax calls it; None for one that is not known, such as a CPU."""
    return next((device for device in DEVICES.values() if kind in device.names), None)


def has_tpu(environment: Mapping[str, str] = os.environ, devices: Path = Path("/dev")) -> bool:
    """Whether jax would use TPU chips here, which one process must hold together."""
    if "tpu" not in environment.get("JAX_PLATFORMS", "tpu").split(","):
        return False
    chips = [*devices.glob("accel[0-9]*"), *devices.glob("vfio/[0-9]*")]
    return bool(chips) and find_spec("libtpu") is not None
