"""The log-variance of the loss, learned beside the network or not."""

from typing import Annotated, Literal

from pydantic import Field

from scaling.config.section import Section


class NoLogVariance(Section):
    """Errors count as `weighting` or `implied` says."""

    name: Literal["none"] = "none"


class LearnedLogVariance(Section):
    """The loss is err / exp(u(lambda)) + u(lambda), with u learned (EDM2, arXiv 2312.02696)."""

    name: Literal["learned"] = "learned"
    channels: int = Field(default=128, ge=1, le=4096, description="random features that u reads")
    learning_rate: float = Field(
        default=0.01,
        gt=0,
        description="u's peak rate, the same for all sizes; rises and falls as the network's does",
    )


LogVarianceConfig = Annotated[NoLogVariance | LearnedLogVariance, Field(discriminator="name")]
