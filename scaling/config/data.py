"""Where the images come from: one section per source, told apart by `source`."""

from typing import Annotated, Literal

from pydantic import Field

from scaling.config.section import Section


class AugmentConfig(Section):
    """Random changes that make a finite set effectively endless; none where it would lie."""

    flip: bool = Field(
        default=True, description="mirror left-right, except where the concept forbids it"
    )
    shift: int = Field(
        default=1, ge=0, le=4, description="largest translation in pixels along each axis"
    )
    hue: float = Field(
        default=0.04,
        ge=0,
        le=0.5,
        description="largest hue rotation in turns, not of named colours, flags",
    )


class EmojiData(Section):
    """Captioned emoji shipped with the package: 5,674 images of 1,911 concepts in three styles."""

    source: Literal["emoji"] = "emoji"
    size: Literal[16, 32] = Field(
        default=16, description="pixels a side; 16 is the area average of 32"
    )
    held_out: float = Field(
        default=0.1, gt=0, lt=0.9, description="share of *concepts* kept from training"
    )
    augment: AugmentConfig = AugmentConfig()


class DigitsData(Section):
    """The 1,797 handwritten digits of 8x8 pixels (UCI); for tests: they are soon memorised."""

    source: Literal["digits"] = "digits"
    held_out: float = Field(
        default=0.2, gt=0, lt=0.9, description="share of images kept from training"
    )


class MixtureData(Section):
    """An oracle: an endless Gaussian mixture over small images, whose best denoiser is known."""

    source: Literal["mixture"] = "mixture"
    size: int = Field(default=8, ge=2, le=64, description="pixels a side")
    channels: int = Field(default=1, ge=1, le=4)
    components: int = Field(default=32, ge=1, le=4096, description="Gaussians in the mixture")
    smoothness: float = Field(
        default=1.5, gt=0, description="correlation length of the means, in pixels"
    )
    deviation: float = Field(default=0.2, gt=0, description="standard deviation within a component")
    seed: int = Field(default=0, ge=0, description="of the component means")


DataConfig = Annotated[EmojiData | DigitsData | MixtureData, Field(discriminator="source")]
