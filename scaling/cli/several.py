"""Several tables for one command: the settings that all of them are fitted with."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analysis import FitSettings


def agreed(settings: Mapping[Path, "FitSettings"]) -> "FitSettings":
    """What the manifests of all say; ValueError names what two of them set differently."""
    (first, ours), *others = settings.items()
    for path, theirs in others:
        for item in fields(ours):
            one, other = (_plain(getattr(each, item.name)) for each in (ours, theirs))
            if one != other:
                raise ValueError(
                    f"the manifests of {first} and {path} differ in fit.{item.name} ({one!r}; "
                    f"{other!r}): give both the same, or say which by an option of that name"
                )
    return ours


def require_apart(paths: list[Path], output: Path | None) -> None:
    """ValueError for a table given twice, or several without a place for what comes of them."""
    places = [path.resolve() for path in paths]
    twice = next((path for path in paths if places.count(path.resolve()) > 1), None)
    if twice is not None:
        raise ValueError(f"{twice} is given twice; a table is compared with others")
    if len(paths) > 1 and output is None:
        raise ValueError("several tables: say with -o DIRECTORY where to write what comes of them")


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
