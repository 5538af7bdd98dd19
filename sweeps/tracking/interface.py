"""What a tracker is to us: somewhere to record what is new of one run."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from scaling.errors import InputError

type Rows = Mapping[int, Mapping[str, float]]
"""Scalars by name for each training step, in ascending order."""


@dataclass(frozen=True, kw_only=True)
class Where:
    """A folder for what is kept on this machine, the tracker's project, whether to go online."""

    into: Path
    project: str
    online: bool = False


@dataclass(frozen=True, kw_only=True)
class Tracked:
    """A run as trackers know it: `name` tells rung and seed, `settings` are nested."""

    id: str
    name: str
    settings: Mapping[str, Any]
    status: str
    reason: str | None

    @property
    def unique_name(self) -> str:
        """For trackers that know runs by their names alone."""
        return f"{self.name.replace(' ', '_')}_{self.id}"


@dataclass(frozen=True, kw_only=True)
class Tracker:
    """`place` names where the rows go; two mirrors of one run in one place are the same mirror.

    `record` adds rows that the run has not had before, its settings and its status; it makes the
    run when there is none of that id. `look`: what shows them to a person.
    """

    place: str
    record: Callable[[Tracked, Rows], None]
    look: str


EXTRAS = ("tensorboard", "wandb")
"""Of this package; the others bring much that they alone need, and are installed apart."""


def needed(package: str, extra: str) -> Any:
    """The imported package. InputError that says how it is installed."""
    try:
        return import_module(package)
    except ImportError as error:
        wanted = f"'diffusion-scaling[{extra}]'" if extra in EXTRAS else package
        raise InputError(f"--to {extra} needs {package}: pip install {wanted} ({error})") from None


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, bool | int | float | str]:
    """Settings by dotted path; lists as text, and no entry for what is none."""
    return dict(_flat(settings, prefix))


def _flat(settings: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif value is not None:
            plain = isinstance(value, bool | int | float | str)
            yield f"{prefix}{name}", value if plain else str(value)
