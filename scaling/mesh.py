"""The rule by which a cohort's devices form a mesh (run, data, fsdp); nothing here needs them."""

import math
from typing import NamedTuple

SHARE_FOR_STATE = 0.5
"""Of the memory that jax may use of a device; the rest is for activations."""

RULE = (
    f"as few devices hold one run's state as keep it below {100 * SHARE_FOR_STATE:.0f}% of the "
    "memory that jax may use (fsdp), the others go to runs of the cohort as far as these divide "
    "(run), then to parts of the batch (data)"
)


class MeshShape(NamedTuple):
    """Devices along each axis."""

    run: int
    data: int
    fsdp: int

    @property
    def devices(self) -> int:
        """Of the whole mesh."""
        return self.run * self.data * self.fsdp

    @property
    def of_one_run(self) -> int:
        """Devices that train one run."""
        return self.data * self.fsdp


def mesh_shape(runs: int, batch_size: int, devices: int, fsdp: int) -> MeshShape:
    """RULE, with `fsdp` given; devices that do not divide stay idle.

    Raises ValueError where `fsdp` divides neither the devices nor the batch.
    """
    if devices % fsdp or batch_size % fsdp:
        raise ValueError(
            f"fsdp {fsdp} must divide both the {devices} devices and the batch of {batch_size}"
        )
    run = math.gcd(runs, devices // fsdp)
    return MeshShape(run, math.gcd(batch_size // fsdp, devices // (fsdp * run)), fsdp)


def devices_to_hold(state_bytes: float, device_bytes: float | None, devices: int) -> int:
    """The fewest devices, a divisor of their number, among which one run's state must be split.

    One where the memory of a device is not known; all where even that is not enough.
    """
    if device_bytes is None:
        return 1
    divisors = [n for n in range(1, devices + 1) if devices % n == 0]
    fits = (n for n in divisors if state_bytes / n <= SHARE_FOR_STATE * device_bytes)
    return next(fits, devices)
