"""Values of a manifest as short words, for tables and headings."""

from collections.abc import Mapping
from typing import Any

TAGS = ("name", "rule")
"""Keys that say which variant of a section it is."""


def in_words(value: Any) -> str:
    """`laplace (location 0, scale 0.5)` for a section, `1e-3` for a number, commas in a list."""
    if isinstance(value, Mapping):
        tag = next((key for key in TAGS if key in value), None)
        given = {key: v for key, v in value.items() if key != tag and v is not None}
        rest = ", ".join(f"{key} {in_words(v)}" for key, v in given.items())
        name = str(value[tag]) if tag else ""
        return f"{name} ({rest})" if name and rest else name or rest
    if isinstance(value, list | tuple):
        return ", ".join(map(in_words, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
