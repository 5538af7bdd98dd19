"""The diffusion process: where training samples noise, what is predicted, how errors weigh."""

from typing import Literal

from pydantic import Field, model_validator

from scaling.config.densities import (
    FOUND_IN_TRAINING,
    CosineDensity,
    DensityConfig,
    UniformDensity,
)
from scaling.config.log_variance import LearnedLogVariance, LogVarianceConfig, NoLogVariance
from scaling.config.processes import ProcessConfig, VariancePreserving
from scaling.config.section import Section
from scaling.config.weightings import (
    ConstantFactor,
    DensityWeighting,
    FreeWeighting,
    ImpliedConfig,
    Quantity,
    WeightingConfig,
)


class DiffusionConfig(Section):
    """A Gaussian process in lambda = log-SNR, and the loss that trains on it.

    The loss draws noise levels from `density` and averages `weighting` times the squared `error`.
    With `implied`, the factor is instead whatever makes the two amount to that weighting. With a
    learned `log_variance` u each level is divided by exp(u), and the factor is but where u begins.
    """

    process: ProcessConfig = VariancePreserving()
    density: DensityConfig = CosineDensity()
    log_snr_min: float = Field(default=-10.0, description="training samples no noisier than this")
    log_snr_max: float = Field(default=10.0, description="training samples no cleaner than this")
    reference_size: int | None = Field(
        default=None,
        ge=1,
        description="pixels a side of the images that `density`, and the density of `implied`, "
        "were made for: both shift by 2 log(reference / size) (arXiv 2301.11093)",
    )
    draws: Literal["stratified", "antithetic", "independent"] = Field(
        default="stratified", description="how the levels of a batch lie to one another"
    )
    prediction: Quantity = Field(default="v", description="what the network's output means")
    error: Quantity = Field(default="v", description="whose squared error the loss averages")
    weighting: WeightingConfig = ConstantFactor()
    implied: ImpliedConfig = Field(
        default=FreeWeighting(), description="the weighting to train on, whatever the density"
    )
    log_variance: LogVarianceConfig = Field(
        default=NoLogVariance(),
        description="learned: each level counts by what is left of its error",
    )

    @model_validator(mode="after")
    def _limits_in_order(self) -> "DiffusionConfig":
        if self.log_snr_min >= self.log_snr_max:
            raise ValueError(
                f"log_snr_min ({self.log_snr_min}) must lie below log_snr_max ({self.log_snr_max})"
            )
        return self

    @model_validator(mode="after")
    def _something_shifts(self) -> "DiffusionConfig":
        target = self.implied.density if isinstance(self.implied, DensityWeighting) else None
        given = [density for density in (self.density, target) if density is not None]
        placeless = (UniformDensity, *FOUND_IN_TRAINING)
        if self.reference_size is not None and all(isinstance(d, placeless) for d in given):
            raise ValueError(
                f"reference_size shifts a density made for images of another size, and the "
                f"{self.density.name} density has no place to be shifted from: leave it out"
            )
        return self

    @model_validator(mode="after")
    def _one_weighting(self) -> "DiffusionConfig":
        free = isinstance(self.implied, FreeWeighting)
        if not free and self.weighting != ConstantFactor():
            raise ValueError(
                f"weighting: '{self.weighting.name}' and implied '{self.implied.name}' both say "
                "how errors weigh; leave one out"
            )
        if free and isinstance(self.density, FOUND_IN_TRAINING):
            raise ValueError(
                f"implied: is missing; with the {self.density.name} density the objective would "
                "follow the density. Name the weighting to train on, such as {name: elbo}"
            )
        if not free and isinstance(self.log_variance, LearnedLogVariance):
            raise ValueError(
                "a learned log_variance divides every level by what is left of its error, which "
                f"undoes implied '{self.implied.name}'; leave one out"
            )
        return self
