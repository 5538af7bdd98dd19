"""How the least possible loss on the training images is found."""

from typing import Literal

from pydantic import Field

from scaling.config.section import Section


class FloorConfig(Section):
    """The loss of the best possible denoiser of the stored training images, unaugmented."""

    method: Literal["none", "exact", "nested"] = Field(
        default="none",
        description="exact: from every image; nested: from the likeliest and a random subset",
    )
    conditional: bool = Field(
        default=True, description="whether the best denoiser reads captions, as the networks do"
    )
    candidates: int = Field(default=12, ge=1, description="nested: likely images, summed exactly")
    subset: int = Field(
        default=4, ge=1, description="nested: size of each of two random subsets of the rest"
    )
    directions: int = Field(
        default=64, ge=1, description="nested: principal directions that tell which are likely"
    )
