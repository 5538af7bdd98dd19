"""How images are sampled."""

from typing import Annotated

from pydantic import AfterValidator, Field

from scaling.config.samplers import DDIM, GridConfig, QuantileGrid, SamplerConfig
from scaling.config.section import Section

Interval = tuple[float, float]


def _in_order(interval: Interval | None) -> Interval | None:
    if interval is not None and interval[0] >= interval[1]:
        raise ValueError(f"the interval {list(interval)} must be written as [low, high]")
    return interval


GuidanceInterval = Annotated[Interval | None, Field(strict=False), AfterValidator(_in_order)]


class Drawing(Section):
    """How images to be compared with real ones are drawn."""

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


class SampleConfig(Section):
    """Images drawn at the last horizon, from noise shared by all runs."""

    captions: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        default=(), description="prompts; empty: captions of the source's own choice"
    )
    count: int = Field(
        default=8, ge=0, le=100_000, description="images when no captions are given; 0: none"
    )
    sampler: SamplerConfig = DDIM()
    steps: int = Field(
        default=50,
        ge=1,
        description="noise levels visited: network evaluations (heun: half as many), twice with "
        "guidance",
    )
    grid: GridConfig = Field(default=QuantileGrid(), description="where on the log-SNR axis")
    guidance_scale: float = Field(default=2.0, ge=0, description="1: conditional, no guidance")
    guidance_interval: GuidanceInterval = Field(
        default=None, description="log-SNR within which to guide (arXiv 2404.07724); none: all"
    )
    seed: int = Field(default=0, ge=0)
