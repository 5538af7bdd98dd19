"""The dotted paths of a configuration, such as `diffusion.density.name`, and how they are set."""

import copy
from collections.abc import Mapping
from functools import cache
from typing import Any, get_args

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from scaling.config import RunConfig, Section

type Sections = dict[str | None, type[Section]]
"""The sections a field may hold, by the tag that tells them apart (None: there is only one)."""


@cache
def dotted_paths() -> dict[str, list[FieldInfo]]:
    """Every path below RunConfig; several fields where variants of a section share a name."""
    found: dict[str, list[FieldInfo]] = {}

    def visit(section: type[Section], prefix: str) -> None:
        for name, field in section.model_fields.items():
            path = f"{prefix}{name}"
            found.setdefault(path, []).append(field)
            for inner in sections_of(field).values():
                visit(inner, f"{path}.")

    visit(RunConfig, "")
    return found


def sections_of(field: FieldInfo) -> Sections:
    """The sections that may stand at `field`; empty for a plain value."""
    if field.discriminator:
        key = str(field.discriminator)
        return {
            tag: section
            for section in get_args(field.annotation)
            for tag in get_args(section.model_fields[key].annotation)
        }
    kind = field.annotation
    return {None: kind} if isinstance(kind, type) and issubclass(kind, Section) else {}


def value_at(mapping: Mapping[str, Any], path: str, default: Any = None) -> Any:
    """The value at a dotted path of nested mappings, or `default` where there is none."""
    value: Any = mapping
    for key in path.split("."):
        if not isinstance(value, Mapping) or key not in value:
            return default
        value = value[key]
    return value


def default_at(path: str) -> Any:
    """The value at `path` when the manifest says nothing; None where it must be given."""
    keys = path.split(".")
    for depth in range(1, len(keys) + 1):
        value = dotted_paths()[".".join(keys[:depth])][0].default
        if value is not PydanticUndefined:
            for key in keys[depth:]:
                value = getattr(value, key, None)
            return value
    return None


def set_at(mapping: dict[str, Any], path: str, value: Any) -> None:
    """Set a dotted path in nested mappings, making the sections on the way.

    A section that the manifest does not mention starts as its default's variant, so that
    `data.size` may be swept without writing `data: {source: emoji}` first.
    """
    *outer, last = path.split(".")
    for depth, key in enumerate(outer):
        if key not in mapping:
            mapping[key] = _default_variant(".".join(outer[: depth + 1]))
        if not isinstance(mapping[key], dict):
            return  # the section itself is wrong, and is reported as such
        mapping = mapping[key]
    mapping[last] = copy.deepcopy(value)


def _default_variant(path: str) -> dict[str, Any]:
    field = dotted_paths()[path][0]
    default = field.get_default(call_default_factory=True)
    if not isinstance(default, Section):
        return {}
    given = default.model_dump(exclude_defaults=True)
    if field.discriminator:
        given[str(field.discriminator)] = getattr(default, str(field.discriminator))
    return given
