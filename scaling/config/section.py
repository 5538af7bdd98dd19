"""The base of every configuration section."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A frozen mapping; refuses unknown keys and wrong types (an integer may stand for a float)."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_default=True)
