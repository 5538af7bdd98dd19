"""How far the images a run draws lie from real ones."""

import hashlib
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from scaling.config.samplers import DDIM, GridConfig, QuantileGrid, SamplerConfig
from scaling.config.samples import GuidanceInterval, SampleConfig
from scaling.config.section import Section
from scaling.errors import InputError

DistanceMetric = Literal[
    "fd",
    "fd_infinite",
    "kid",
    "cmmd",
    "precision",
    "recall",
    "density",
    "coverage",
    "sliced_wasserstein",
]
FEWEST = 8
"""Samples a side, as in scaling.measure.distances.metrics."""


class DistanceConfig(Section):
    """Distances between samples for held-out captions and the held-out images; 0 samples: none."""

    samples: int = Field(
        default=0, ge=0, le=100_000, description="drawn of each run, by its averaged weights"
    )
    metrics: Annotated[tuple[DistanceMetric, ...], Field(strict=False, min_length=1)] = Field(
        default=("kid", "fd_infinite"), description="as in `scaling distance`"
    )
    references: int = Field(
        default=5000, ge=2 * FEWEST, description="held-out images to compare with, at most"
    )
    network: str = Field(
        default="efficientnet_lite0",
        min_length=1,
        description="what turns images into features, as for `scaling distance`",
    )
    digest: str = Field(default="", description="of the network's file, if any; filled in")
    horizons: Literal["last", "all"] = "last"
    sampler: SamplerConfig = DDIM()
    steps: int = Field(default=50, ge=1, description="noise levels visited, as of measure.samples")
    grid: GridConfig = Field(default=QuantileGrid(), description="where on the log-SNR axis")
    guidance_scale: float = Field(
        default=1.0,
        ge=0,
        description="1: conditional, no guidance, which would narrow what is drawn",
    )
    guidance_interval: GuidanceInterval = Field(
        default=None, description="log-SNR within which to guide (arXiv 2404.07724); none: all"
    )
    seed: int = Field(default=0, ge=0, description="of captions, noise and references; of all runs")

    @property
    def drawing(self) -> SampleConfig:
        """How the images are sampled."""
        shared = SampleConfig.model_fields.keys() & type(self).model_fields.keys()
        given = {name: getattr(self, name) for name in shared}
        return SampleConfig(count=self.samples, **given)

    @field_validator("samples")
    @classmethod
    def _enough(cls, samples: int) -> int:
        if 0 < samples < FEWEST:
            raise ValueError(f"must be 0 for none, or at least {FEWEST}, not {samples}")
        return samples

    @field_validator("metrics")
    @classmethod
    def _each_once(cls, metrics: tuple[str, ...]) -> tuple[str, ...]:
        for name in metrics:
            if metrics.count(name) > 1:
                raise ValueError(f"'{name}' is given {metrics.count(name)} times; once is enough")
        return metrics

    @model_validator(mode="before")
    @classmethod
    def _digest(cls, given: Any) -> Any:
        """A network's file is part of the configuration, as every file is that decides numbers."""
        text = given.get("network") if isinstance(given, dict) else None
        if not isinstance(text, str):
            return given
        from scaling.measure.features.named import file_of

        try:
            file = file_of(text)
        except InputError as error:
            raise ValueError(f"network: {error}") from None
        if file is None:
            return given
        if not file.is_file():
            raise ValueError(f"network: '{text}' needs the file '{file}', which there is not")
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()[:12]
        if given.get("digest") and given["digest"] != digest:
            raise ValueError(
                f"network: '{file}' has changed: its hash is {digest}, not {given['digest']}; "
                "give the changed file a name of its own, or start a new directory"
            )
        return {**given, "digest": digest}
