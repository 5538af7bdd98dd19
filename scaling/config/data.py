"""Where the images come from: one section per source, told apart by `source`."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from scaling.config.files import FilesData
from scaling.config.section import Section
from scaling.errors import InputError


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


class LatentsData(Section):
    """A VAE's latents from a file of your own, written by `scaling.data.latents.save`.

    Training draws x0 = (mean + std * noise - shift) * scale_factor anew at every step; held-out
    examples have one fixed draw each, common to all runs. The file's hash becomes part of the
    configuration, so a run's name changes when the file does; the path is taken from the directory
    in which `scaling` is called.
    """

    source: Literal["latents"] = "latents"
    file: str = Field(description="an .npz of mean [n, h, w, c], std, and labels, captions, ...")
    scale_factor: float = Field(
        gt=0, description="brings latents to unit size: 0.18215 for Stable Diffusion's VAE"
    )
    shift: float = Field(default=0.0, description="taken off latents before they are scaled")
    conditions: Literal["auto", "labels", "captions", "embeddings", "none"] = Field(
        default="auto", description="what networks are told; auto: the one kind in the file, if any"
    )
    held_out: float | None = Field(
        default=None,
        gt=0,
        lt=0.9,
        description="share of rows kept from training, 0.1 if not given; none where the file says "
        "which",
    )
    digest: str = Field(default="", description="of the file; filled in")

    @property
    def arrays(self) -> Any:
        """The file's."""
        from scaling.data import latents

        return latents.read(self.file)

    @property
    def size(self) -> int:
        """Latent pixels a side."""
        return self.arrays.size

    @model_validator(mode="before")
    @classmethod
    def _resolved(cls, given: Any) -> Any:
        if not isinstance(given, dict) or not isinstance(given.get("file"), str):
            return given
        try:
            from scaling.data import latents

            found = latents.read(given["file"])
        except InputError as error:
            raise ValueError(str(error)) from None
        if given.get("digest") and given["digest"] != found.digest:
            raise ValueError(
                f"file '{given['file']}' has changed: its hash is {found.digest}, not "
                f"{given['digest']}; give the changed file a name of its own"
            )
        resolved = {**given, "digest": found.digest}
        if given.get("conditions", "auto") == "auto":
            if len(found.conditions) > 1:
                kinds = ", ".join(found.conditions)
                raise ValueError(f"conditions must say which to use; the file has {kinds}")
            resolved["conditions"] = "".join(found.conditions) or "none"
        if found.held_out is None and given.get("held_out") is None:
            resolved["held_out"] = 0.1
        return resolved

    @model_validator(mode="after")
    def _is_in_the_file(self) -> "LatentsData":
        found = self.arrays
        if self.conditions not in (*found.conditions, "none"):
            kinds = ", ".join((*found.conditions, "none"))
            raise ValueError(f"conditions '{self.conditions}' are not in the file; it has {kinds}")
        if found.held_out is not None and self.held_out is not None:
            raise ValueError("held_out is given twice: the file has a mask of that name, too")
        from scaling.data import latents

        in_training = latents.in_training(found, self.held_out)
        if in_training.all() or not in_training.any():
            side = "training" if not in_training.any() else "the held-out examples"
            raise ValueError(f"held_out {self.held_out} leaves none of {len(found)} rows to {side}")
        return self


DataConfig = Annotated[
    EmojiData | DigitsData | MixtureData | LatentsData | FilesData, Field(discriminator="source")
]
