"""Which model: a family and a size, from the family's ladder or given outright."""

from typing import Any, Literal

from pydantic import Field, model_validator

from models.families import FAMILIES
from models.ladder import Rung
from scaling.config.section import Section

SIZES = ("depth", "width", "heads")


class ModelConfig(Section):
    """A network of a given family and size; its input shape comes from the data.

    A rung of the family's ladder sets depth, width and heads. Without one, all three are given.
    """

    family: Literal["dit", "edm2", "uvit"] = "dit"
    rung: str = Field(
        default="",
        description="name of a size on the family's ladder (see `scaling ladder`); with depth, "
        "width and heads, a name of your own",
    )
    depth: int = Field(default=0, ge=0, le=1000, description="blocks; from the rung if not given")
    width: int = Field(
        default=0, ge=0, le=100_000, description="channels; from the rung if not given"
    )
    heads: int = Field(
        default=0, ge=0, le=1000, description="of attention; from the rung if not given"
    )
    patch_size: int = Field(default=4, ge=1, le=32, description="pixels a side of one token")
    conditioning: Literal["pooled", "class", "in_context", "cross_attention", "none"] = Field(
        default="pooled",
        description="how conditions enter: the mean of their vectors steers all blocks, also as "
        "tokens, or also by cross-attention; class: one number's vector, as published",
    )
    published: bool = Field(
        default=False,
        description="as the paper's released code builds it, beside the size: noise told as a "
        "step of the published schedule, by dit in 256 frequencies and with a learned variance "
        "(computed, not trained); edm2 has no other",
    )

    @model_validator(mode="before")
    @classmethod
    def _sizes_of_the_rung(cls, given: Any) -> Any:
        family = given.get("family", "dit") if isinstance(given, dict) else None
        if family not in FAMILIES:
            return given
        rungs, name = FAMILIES[family].rungs, given.get("rung")
        sizes = {key: given[key] for key in SIZES if key in given}
        if isinstance(name, str) and name in rungs:
            known = {key: getattr(rungs[name], key) for key in SIZES}
            for key, value in sizes.items():
                if value != known[key]:
                    raise ValueError(
                        f"rung '{name}' of the {family} ladder has {key} {known[key]}, not "
                        f"{value}; give a size of your own a name that the ladder lacks"
                    )
            return {**given, **known}
        if len(sizes) == len(SIZES):
            return {"rung": "-".join(f"{key[0]}{sizes[key]}" for key in SIZES), **given}
        return given

    @model_validator(mode="after")
    def _is_a_size(self) -> "ModelConfig":
        if not (self.depth and self.width and self.heads):
            named = f"rung '{self.rung}' is not on" if self.rung else "give a rung of"
            raise ValueError(
                f"{named} the {self.family} ladder: {', '.join(FAMILIES[self.family].rungs)}; a "
                "size of your own needs depth, width and heads"
            )
        if self.width % self.heads:
            raise ValueError(f"width {self.width} cannot be split into {self.heads} heads")
        if FAMILIES[self.family].odd_depth and self.depth % 2 == 0:
            raise ValueError(
                f"a {self.family} has an odd number of blocks, a middle one and pairs around it, "
                f"not {self.depth}"
            )
        return self

    @model_validator(mode="after")
    def _family_has_the_conditioning(self) -> "ModelConfig":
        known = FAMILIES[self.family].conditionings
        if self.conditioning not in known:
            raise ValueError(
                f"a {self.family} has no conditioning '{self.conditioning}'; it has "
                f"{', '.join(known)}"
            )
        return self

    @property
    def size(self) -> Rung:
        """As the models room has it."""
        return Rung(name=self.rung, depth=self.depth, width=self.width, heads=self.heads)
