"""Your own images: folders, WebDataset, Parquet, Arrow, TFRecord, ArrayRecord or .npz."""

from typing import Any, Literal

from pydantic import Field, model_validator

from scaling.config.section import Section
from scaling.errors import InputError

Format = Literal[
    "auto", "folder", "webdataset", "parquet", "arrow", "tfrecord", "arrayrecord", "npz"
]
Kind = Literal["auto", "captions", "labels", "embeddings", "tokens", "none"]


class FieldsConfig(Section):
    """What the parts of an example are called, where the usual names do not find them.

    A column of Parquet and Arrow, a feature of a TFRecord, an extension or a key of the .json of a
    WebDataset, a column of a folder's metadata, an array of an .npz.
    """

    image: str = Field(default="", description="image, jpg, image/encoded, ... if not given")
    caption: str = Field(default="", description="text, caption, ... if not given")
    label: str = Field(default="", description="label, cls, ... if not given")


class CropAugment(Section):
    """Random changes of a training image; held-out images are cut from the centre."""

    flip: bool = Field(default=False, description="mirror left-right: not where captions say left")
    shift: int = Field(
        default=0,
        ge=0,
        le=128,
        description="images are read so many pixels larger on each side, and training cuts `size` "
        "anywhere inside",
    )


class FilesData(Section):
    """Images of your own with captions, classes or vectors, read from the disk where they lie.

    The hash of all images and conditions becomes part of the configuration, so a run's name changes
    when they do; the path is taken from the directory in which `scaling` is called. Which images
    are held out, and in which order training meets them, depends on the images' bytes alone.
    """

    source: Literal["files"] = "files"
    path: str = Field(description="a directory, one file, or files by a pattern: train-*.parquet")
    format: Format = Field(default="auto", description="auto: by the files' names")
    size: int = Field(
        ge=1, le=1024, description="pixels a side: the largest square in the middle, resized"
    )
    channels: Literal[1, 3] = Field(default=3, description="1: grey")
    conditions: Kind = Field(
        default="auto", description="what networks are told; auto: the one kind there is, if any"
    )
    conditions_file: str = Field(
        default="",
        description="an .npz of keys [n] and embeddings [n, t, e] or tokens [n, t], as `scaling "
        "data encode` writes",
    )
    fields: FieldsConfig = FieldsConfig()
    words: int = Field(default=4096, ge=1, description="of captions, the most frequent ones known")
    caption_length: int | None = Field(
        default=None, ge=1, description="longer captions are cut; that of the longest if not given"
    )
    held_out: float = Field(
        default=0.1, gt=0, lt=0.9, description="share of images kept from training"
    )
    on_error: Literal["fatal", "skip"] = Field(
        default="fatal",
        description="skip leaves out images that cannot be read, which `scaling data check` finds",
    )
    augment: CropAugment = CropAugment()
    digest: str = Field(default="", description="of all images and conditions; filled in")
    left_out: int = Field(default=0, ge=0, description="images that on_error skips; filled in")

    @property
    def read_size(self) -> int:
        """Pixels a side of what is read, of which training cuts `size`."""
        return self.size + 2 * self.augment.shift

    @model_validator(mode="before")
    @classmethod
    def _resolved(cls, given: Any) -> Any:
        needed = isinstance(given, dict) and isinstance(given.get("path"), str)
        if not needed or not isinstance(given.get("size"), int):
            return given
        from scaling.data.files import selection

        try:
            return selection.resolved(given)
        except InputError as error:
            raise ValueError(str(error)) from None

    @model_validator(mode="after")
    def _has_both_sides(self) -> "FilesData":
        from scaling.data.files import known

        try:
            training = known.known(self).in_training
        except InputError as error:
            raise ValueError(str(error)) from None
        if training.all() or not training.any():
            side = "training" if not training.any() else "the held-out images"
            raise ValueError(f"held_out {self.held_out} leaves none of {len(training)} to {side}")
        return self
