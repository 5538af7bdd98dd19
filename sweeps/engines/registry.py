"""Engines by name: those that come with the package, and a user's own by entry point."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from scaling.errors import InputError
from sweeps.engines.interface import Engine
from sweeps.problems import nearest, one_of

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from sweeps.sections import EngineConfig

type Make = Callable[[Path, int, "EngineConfig"], Engine]
"""From the sweep's directory, the number of workers, and the manifest's section `engine`."""

GROUP = "diffusion_scaling.engines"
"""Entry points of this group name a `Make` each."""

BUILT_IN = {
    "local": "sweeps.engines.local:make",
    "slurm": "sweeps.engines.slurm:make",
    "ray": "sweeps.engines.ray:make",
    "command": "sweeps.engines.command:make",
}
"""Imported only when asked for."""


def check_name(name: str) -> str:
    """`name`, or ValueError with what there is."""
    if name not in BUILT_IN and name not in (names := [*BUILT_IN, *_installed()]):
        raise ValueError(f"must be {one_of(names)}, not '{name}'{nearest(name, names)}")
    return name


def require(name: str) -> None:
    """InputError with what there is unless an engine has that name."""
    if name not in BUILT_IN and name not in (names := [*BUILT_IN, *_installed()]):
        raise InputError(f"no engine '{name}'{nearest(name, names)}; there are: {', '.join(names)}")


def make(name: str, directory: Path, workers: int, config: "EngineConfig") -> Engine:
    """The engine of that name. InputError where there is none, or what it needs is missing."""
    require(name)
    if name in BUILT_IN:
        module, _, factory = BUILT_IN[name].partition(":")
        return getattr(import_module(module), factory)(directory, workers, config)
    point = _installed()[name]
    try:
        factory = point.load()
    except Exception as error:
        raise InputError(f"engine '{name}' ({point.value}) cannot be loaded: {error}") from error
    return factory(directory, workers, config)


def _installed() -> "dict[str, EntryPoint]":
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=GROUP)}
