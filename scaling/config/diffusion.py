"""The diffusion process: where training samples noise, what is predicted, how errors weigh."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from scaling.config.section import Section

Quantity = Literal["v", "epsilon", "x0", "velocity", "edm"]


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


ProcessConfig = Annotated[
    VariancePreserving | Linear | VarianceExploding, Field(discriminator="name")
]


class CosineDensity(Section):
    """p = sech(lambda/2) / (2 pi), the cosine schedule's density."""

    name: Literal["cosine"] = "cosine"


class LaplaceDensity(Section):
    """p = exp(-|lambda - location| / scale) / (2 scale) (Hang & Gu, arXiv 2407.03297)."""

    name: Literal["laplace"] = "laplace"
    location: float = 0.0
    scale: float = Field(default=0.5, gt=0)


class UniformDensity(Section):
    """Every log-SNR between the limits alike."""

    name: Literal["uniform"] = "uniform"


DensityConfig = Annotated[
    CosineDensity | LaplaceDensity | UniformDensity, Field(discriminator="name")
]


class ConstantWeighting(Section):
    """Every noise level counts alike (on the chosen error)."""

    name: Literal["constant"] = "constant"


class MinSNRWeighting(Section):
    """min(SNR, gamma) on the x0-error (arXiv 2303.09556), carried over to the chosen error."""

    name: Literal["min_snr"] = "min_snr"
    gamma: float = Field(default=5.0, gt=0)


class SigmoidWeighting(Section):
    """sigmoid(bias - lambda) on the epsilon-error (VDM++, arXiv 2303.00848), carried over."""

    name: Literal["sigmoid"] = "sigmoid"
    bias: float = 0.0


WeightingConfig = Annotated[
    ConstantWeighting | MinSNRWeighting | SigmoidWeighting, Field(discriminator="name")
]


class DiffusionConfig(Section):
    """A Gaussian process in lambda = log-SNR."""

    process: ProcessConfig = VariancePreserving()
    density: DensityConfig = CosineDensity()
    log_snr_min: float = Field(default=-10.0, description="training samples no noisier than this")
    log_snr_max: float = Field(default=10.0, description="training samples no cleaner than this")
    prediction: Quantity = Field(default="v", description="what the network's output means")
    error: Quantity = Field(default="v", description="whose squared error the loss averages")
    weighting: WeightingConfig = ConstantWeighting()

    @model_validator(mode="after")
    def _limits_in_order(self) -> "DiffusionConfig":
        if self.log_snr_min >= self.log_snr_max:
            raise ValueError(
                f"log_snr_min ({self.log_snr_min}) must lie below log_snr_max ({self.log_snr_max})"
            )
        return self
