"""The base of every configuration section."""

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, model_serializer


class Section(BaseModel):
    """A frozen mapping; refuses unknown keys and wrong types (an integer may stand for a float)."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_default=True)


def left_out(**where: Callable[[Any], bool]) -> Any:
    """A section's serializer that leaves out each key where what is said of the section holds.

    It is for keys that came later. Where one changes nothing, a run's configuration is what it was
    before there was such a key, and so is the run's name, which is its hash.
    """

    @model_serializer(mode="wrap")
    def dumped(self: Any, dump: Callable[[Any], Any]) -> dict[str, Any]:
        found = dump(self)
        return {key: item for key, item in found.items() if not (key in where and where[key](self))}

    return dumped
