"""Trackers by name; none is imported before it is asked for."""

from collections.abc import Callable
from importlib import import_module

from scaling.errors import InputError
from sweeps.problems import nearest
from sweeps.tracking.interface import Tracker, Where

TRACKERS = {
    "tensorboard": "sweeps.tracking.tensorboard:make",
    "wandb": "sweeps.tracking.wandb:make",
    "mlflow": "sweeps.tracking.mlflow:make",
    "trackio": "sweeps.tracking.trackio:make",
}


def make(name: str, where: Where) -> Tracker:
    """The tracker of that name. InputError where there is none, or its package is missing."""
    if name not in TRACKERS:
        there_are = ", ".join(TRACKERS)
        raise InputError(f"no tracker '{name}'{nearest(name, TRACKERS)}; there are: {there_are}")
    if where.online and name != "wandb":
        raise InputError(f"--online: it is wandb that may go online; {name} needs no such switch")
    module, _, factory = TRACKERS[name].partition(":")
    make_it: Callable[[Where], Tracker] = getattr(import_module(module), factory)
    return make_it(where)
