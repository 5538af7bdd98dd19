"""One run: everything that decides its numbers, and the hash that names it."""

import hashlib
import json
from typing import Any

from pydantic import Field, model_validator

from models.families import FAMILIES
from scaling.config.data import (
    DataConfig,
    DigitsData,
    EmojiData,
    FilesData,
    LatentsData,
    MixtureData,
)
from scaling.config.diffusion import DiffusionConfig
from scaling.config.measure import MeasureConfig
from scaling.config.model import ModelConfig
from scaling.config.section import Section
from scaling.config.train import TrainConfig
from scaling.config.transfer import MuP
from scaling.errors import InputError

FORMAT_VERSION = 6
"""Raised whenever the same configuration would give other numbers or another layout on disk."""

LATER = (
    ("diffusion", "log_variance"),
    ("train", "dropout"),
    ("train", "reference_steps"),
    ("model", "published"),
)
"""Options that came after configurations of this version were first named."""


class RunConfig(Section):
    """A fully resolved configuration and a seed: one trained model."""

    data: DataConfig = EmojiData()
    model: ModelConfig
    diffusion: DiffusionConfig = DiffusionConfig()
    train: TrainConfig
    measure: MeasureConfig = MeasureConfig()
    seed: int = Field(default=0, ge=0, lt=2**31)

    @model_validator(mode="after")
    def _patches_tile_the_image(self) -> "RunConfig":
        size = 8 if isinstance(self.data, DigitsData) else self.data.size
        if size % self.model.patch_size:
            raise ValueError(
                f"model.patch_size {self.model.patch_size} does not divide the image size {size}"
            )
        return self

    @model_validator(mode="after")
    def _family_follows_the_transfer(self) -> "RunConfig":
        if isinstance(self.train.transfer, MuP) and not FAMILIES[self.model.family].follows_mup:
            raise ValueError(
                f"train.transfer.rule mup is for weights that are used as they stand, and "
                f"{self.model.family} normalises them: there, inverse_sqrt_width does the same"
            )
        return self

    @model_validator(mode="after")
    def _family_drops(self) -> "RunConfig":
        if self.train.dropout and not FAMILIES[self.model.family].drops:
            having = ", ".join(name for name, family in FAMILIES.items() if family.drops)
            raise ValueError(
                f"train.dropout is for {having}: a published {self.model.family} has none; leave "
                "it out (train.caption_dropout hides captions in every family)"
            )
        return self

    @model_validator(mode="after")
    def _first_horizon_is_reached(self) -> "RunConfig":
        first = self.measure.horizons.first
        if first > self.train.steps:
            raise ValueError(
                f"measure.horizons.first {first} lies beyond the last step, {self.train.steps}"
            )
        return self

    @model_validator(mode="after")
    def _samples_are_drawn_at_horizons(self) -> "RunConfig":
        from scaling.config.horizons import horizons, sampled_at

        known = horizons(self.measure.horizons, self.train.steps)
        for step in sampled_at(self.measure, self.train.steps):
            if step not in known:
                raise ValueError(
                    f"measure.distances.horizons has step {step}, and runs are measured at "
                    f"{', '.join(map(str, known))} (measure.horizons); choose among these"
                )
        return self

    @model_validator(mode="after")
    def _widths_can_be_made(self) -> "RunConfig":
        if self.measure.ema_widths and not self.train.snapshots.count:
            raise ValueError(
                "measure.ema_widths are made from snapshots: set train.snapshots.count, e.g. to 16"
            )
        return self

    @model_validator(mode="after")
    def _tried_widths_can_be_made(self) -> "RunConfig":
        train, tried = self.train, self.measure.distances.inference.ema_width
        if None in tried and train.ema and train.ema[0] in tried:
            raise ValueError(
                f"measure.distances.inference.ema_width: {train.ema[0]:g} and null are the same "
                "weights, the first of train.ema; give one of them"
            )
        missing = [width for width in tried if width is not None and width not in train.ema]
        if missing and not train.snapshots.count:
            raise ValueError(
                f"measure.distances.inference.ema_width: {missing[0]:g} is not in train.ema, and "
                "there are no snapshots to make it from: set train.snapshots.count, e.g. to 16"
            )
        return self

    @model_validator(mode="after")
    def _a_floor_can_be_found(self) -> "RunConfig":
        method = self.measure.floor.method
        if method != "none" and isinstance(self.data, MixtureData):
            raise ValueError(
                f"measure.floor.method '{method}' is for a finite set of images; the mixture's "
                "floor is known in closed form and is always measured"
            )
        if (
            method != "none"
            and isinstance(self.data, LatentsData)
            and self.data.arrays.std is not None
        ):
            raise ValueError(
                f"measure.floor.method '{method}' is for a finite set of images, and these latents "
                "are drawn anew at every step: save them without std, or set it to none"
            )
        if method != "none" and isinstance(self.data, LatentsData):
            from scaling.data import memory
            from scaling.data.facts import facts

            if told := memory.too_many(facts(self.data).training_bytes):
                raise ValueError(f"measure.floor.method '{method}' {told}")
        if method != "none" and isinstance(self.data, FilesData):
            from scaling.data.files.known import floor_complaint

            if complaint := floor_complaint(self.data):
                raise ValueError(f"measure.floor.method '{method}' {complaint}")
        if method != "none" and not self.measure.train_examples:
            raise ValueError(
                "measure.train_examples is 0: the floor is measured on training images"
            )
        return self

    @model_validator(mode="after")
    def _distances_are_of_pictures(self) -> "RunConfig":
        if self.measure.distances.samples and not isinstance(
            self.data, EmojiData | DigitsData | FilesData
        ):
            raise ValueError(
                f"measure.distances compares pictures, and {self.data.source} data are none: set "
                "samples to 0, or decode what `scaling sample` draws and use `scaling distance`"
            )
        return self

    @model_validator(mode="after")
    def _each_pair_has_a_picture(self) -> "RunConfig":
        samples = self.measure.preference.samples
        if not samples:
            return self
        if not isinstance(self.data, EmojiData | DigitsData | FilesData):
            raise ValueError(
                f"measure.preference compares pictures, and {self.data.source} data are none: set "
                "samples to 0"
            )
        from scaling.data.facts import facts

        count = facts(self.data).held_out
        if count is None or samples > count:
            raise ValueError(
                f"measure.preference.samples: {samples} pairs need as many held-out images, and "
                f"there are {count}; ask for fewer, or raise data.held_out"
            )
        return self

    @model_validator(mode="after")
    def _latents_are_no_pixels(self) -> "RunConfig":
        if not isinstance(self.data, LatentsData):
            return self
        asked = self.measure.likelihood
        if asked.bound or asked.ode != "none":
            raise ValueError(
                "measure.likelihood is in bits per dimension of 8-bit pixels, which latents are "
                "not: set bound to false and ode to none"
            )
        try:
            from scaling.data import conditions

            known = conditions.of(self.data.arrays, self.data.conditions, self.data.held_out)
            known.encode(self.measure.samples.captions)
        except InputError as error:
            raise ValueError(f"measure.samples.captions: {error}") from None
        return self

    @model_validator(mode="after")
    def _prompts_are_known(self) -> "RunConfig":
        if isinstance(self.data, FilesData) and self.measure.samples.captions:
            from scaling.data.files.known import known

            try:
                known(self.data).conditions.encode(self.measure.samples.captions)
            except InputError as error:
                raise ValueError(f"measure.samples.captions: {error}") from None
        return self


def identity(config: RunConfig) -> dict[str, Any]:
    """All that decides a run's numbers; an option that came later is left out at its default.

    So a run that does not use it is what it was before there was such an option.
    """
    resolved = config.model_dump(mode="json")
    for section, name in LATER:
        given = getattr(config, section)
        if getattr(given, name) == type(given).model_fields[name].default:
            del resolved[section][name]
    return {"format": FORMAT_VERSION, **resolved}


def run_id(config: RunConfig) -> str:
    """Twelve hex digits: equal for equal configurations, however the manifest spells them."""
    resolved = identity(config)
    text = json.dumps(resolved, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
