"""Which Gaussian process: alpha and sigma as functions of log-SNR."""

from typing import Annotated, Literal

from pydantic import Field

from scaling.config.extension import FromFile
from scaling.config.section import Section


class VariancePreserving(Section):
    """alpha^2 + sigma^2 = 1."""

    name: Literal["variance_preserving"] = "variance_preserving"


class Linear(Section):
    """Straight paths from image to noise, as in flow matching: alpha = 1 - t, sigma = t."""

    name: Literal["linear"] = "linear"


class VarianceExploding(Section):
    """alpha = 1, and the network reads z / sqrt(sigma^2 + data_deviation^2), as in EDM."""

    name: Literal["variance_exploding"] = "variance_exploding"
    data_deviation: float = Field(default=0.5, gt=0, description="of the images")


class ProcessFromFile(FromFile):
    """A function of a file that returns a models.diffusion.process.Process."""


ProcessConfig = Annotated[
    VariancePreserving | Linear | VarianceExploding | ProcessFromFile, Field(discriminator="name")
]
