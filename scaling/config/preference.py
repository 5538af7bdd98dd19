"""How often judges, proxies for people, prefer what a run draws to the real image."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from scaling.config.distances import DistanceConfig
from scaling.config.judges import JudgeConfig, called
from scaling.config.samples import Drawing, SampleConfig
from scaling.config.section import Section, left_out

FEWEST = 16
"""Pairs from which a judge can learn, two in each fold."""


class SamplingConfig(Drawing):
    """How images are drawn, as in measure.distances."""

    seed: int = Field(default=0, ge=0, description="of captions and noise; of all runs")


class PreferenceConfig(Section):
    """Each held-out image against one drawn for its caption; 0 samples: none.

    Those of the last horizon are kept, so that people can judge them, too.
    """

    samples: int = Field(
        default=0, ge=0, le=100_000, description="pairs of each run, no more than held-out images"
    )
    judges: Annotated[tuple[JudgeConfig, ...], Field(strict=False)] = Field(
        default=("real_or_generated", "caption_match"),
        description="proxies that say which of a pair is better, by name or from your file; none: "
        "pairs are kept for people",
    )
    training: int = Field(
        default=512, ge=64, description="training images that caption_match learns from, at most"
    )
    horizons: Literal["last", "all"] = "last"
    sampling: SamplingConfig | None = Field(
        default=None,
        description="none: as measure.distances samples, and its images where it draws any",
    )

    def drawing(self, distances: DistanceConfig) -> SampleConfig:
        """How the images are sampled."""
        given = distances.drawing if self.sampling is None else self.sampling
        shared = {name: getattr(given, name) for name in SamplingConfig.model_fields}
        return SampleConfig(count=self.samples, **shared)

    def shares(self, distances: DistanceConfig) -> bool:
        """Whether these images and those of measure.distances are the same, but for how many."""
        both = bool(self.samples and distances.samples)
        fixed = distances.drawing.model_copy(update={"count": self.samples})
        return both and self.drawing(distances) == fixed

    _as_ever = left_out(horizons=lambda self: self.horizons == "last")

    @field_validator("samples")
    @classmethod
    def _enough(cls, samples: int) -> int:
        if 0 < samples < FEWEST:
            raise ValueError(f"must be 0 for none, or at least {FEWEST}, not {samples}")
        return samples

    @field_validator("judges")
    @classmethod
    def _each_once(cls, judges: tuple[JudgeConfig, ...]) -> tuple[JudgeConfig, ...]:
        names = [called(judge) for judge in judges]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"'{name}' is given {names.count(name)} times; once is enough")
        return judges
