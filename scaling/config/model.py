"""Which model: a family and a rung of its ladder."""

from typing import Literal

from pydantic import Field, model_validator

from models.ladder import LADDERS, ladder
from scaling.config.section import Section


class ModelConfig(Section):
    """A network of a given family and size; its input shape comes from the data."""

    family: Literal["dit"] = "dit"
    rung: str = Field(description="name of a size on the family's ladder (see `scaling ladder`)")
    patch_size: int = Field(default=4, ge=1, le=32, description="pixels a side of one token")

    @model_validator(mode="after")
    def _rung_is_on_the_ladder(self) -> "ModelConfig":
        if self.rung not in LADDERS[self.family]:
            names = ", ".join(rung.name for rung in ladder(self.family))
            raise ValueError(f"rung '{self.rung}' is not on the {self.family} ladder: {names}")
        return self
