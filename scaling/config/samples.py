"""How images are sampled."""

from typing import Annotated

from pydantic import Field

from scaling.config.section import Section


class SampleConfig(Section):
    """Images drawn at the last horizon, from noise shared by all runs (deterministic DDIM)."""

    captions: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        default=(), description="prompts; empty: captions of the source's own choice"
    )
    count: int = Field(
        default=8, ge=0, le=256, description="images when no captions are given; 0: none"
    )
    steps: int = Field(default=50, ge=1, description="network evaluations (twice with guidance)")
    guidance_scale: float = Field(default=2.0, ge=0, description="1: conditional, no guidance")
    seed: int = Field(default=0, ge=0)
