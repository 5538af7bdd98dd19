"""Where training draws noise levels: a density on the log-SNR axis, by name."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from scaling.config.extension import FromFile
from scaling.config.section import Section


class CosineDensity(Section):
    """p = (s / 2 pi) sech(s (lambda - location) / 2): the cosine schedule, shifted and scaled."""

    name: Literal["cosine"] = "cosine"
    location: float = 0.0
    scale: float = Field(default=1.0, gt=0, description="s: larger is narrower")


class LaplaceDensity(Section):
    """p = exp(-|lambda - location| / scale) / (2 scale) (Hang & Gu, arXiv 2407.03297)."""

    name: Literal["laplace"] = "laplace"
    location: float = 0.0
    scale: float = Field(default=0.5, gt=0)


class CauchyDensity(Section):
    """p = scale / (pi ((lambda - location)^2 + scale^2)) (Hang & Gu, arXiv 2407.03297)."""

    name: Literal["cauchy"] = "cauchy"
    location: float = 0.0
    scale: float = Field(default=0.5, gt=0)


class NormalDensity(Section):
    """p = N(location, scale^2); the default is EDM's log-normal sigma (arXiv 2206.00364)."""

    name: Literal["normal"] = "normal"
    location: float = 2.4
    scale: float = Field(default=2.4, gt=0)


class LogitNormalDensity(Section):
    """Flow matching with logit t ~ N(location, scale^2) (SD3, arXiv 2403.03206)."""

    name: Literal["logit_normal"] = "logit_normal"
    location: float = 0.0
    scale: float = Field(default=1.0, gt=0)


class LogisticDensity(Section):
    """p = logistic; the default is flow matching with uniform t (arXiv 2210.02747)."""

    name: Literal["logistic"] = "logistic"
    location: float = 0.0
    scale: float = Field(default=2.0, gt=0)


class LinearBetaDensity(Section):
    """DDPM's linear beta (arXiv 2006.11239) in the limit of many steps (arXiv 2011.13456)."""

    name: Literal["linear_beta"] = "linear_beta"
    beta_min: float = Field(default=0.1, gt=0)
    beta_max: float = Field(default=20.0, gt=0)

    @model_validator(mode="after")
    def _rising(self) -> "LinearBetaDensity":
        if self.beta_max <= self.beta_min:
            raise ValueError(
                f"beta_max ({self.beta_max:g}) must lie above beta_min ({self.beta_min:g}): beta "
                "rises from one to the other"
            )
        return self


class UniformDensity(Section):
    """Every log-SNR between the limits alike."""

    name: Literal["uniform"] = "uniform"


class DensityFromFile(FromFile):
    """A function of a file that returns a models.diffusion.densities.Density."""


class AdaptiveDensity(Section):
    """p proportional to the weighted error itself, a running mean per bin (VDM++, 2303.00848)."""

    name: Literal["adaptive"] = "adaptive"
    bins: int = Field(default=100, ge=2, le=10_000)
    decay: float = Field(default=0.99, gt=0, lt=1, description="of a bin's mean, per sample")
    explore: float = Field(
        default=0.05, ge=0, lt=1, description="share drawn uniformly, lest a bin be forgotten"
    )


class LearnedDensity(Section):
    """A monotone network's slope, trained to lower the loss's variance (VDM, 2107.00630)."""

    name: Literal["learned"] = "learned"
    bins: int = Field(default=100, ge=2, le=10_000, description="the network is evaluated between")
    hidden: int = Field(default=32, ge=1, le=4096)
    learning_rate: float = Field(default=0.03, gt=0)
    explore: float = Field(
        default=0.05, ge=0, lt=1, description="share drawn uniformly, lest a bin be forgotten"
    )


FixedDensityConfig = Annotated[
    CosineDensity
    | LaplaceDensity
    | CauchyDensity
    | NormalDensity
    | LogitNormalDensity
    | LogisticDensity
    | LinearBetaDensity
    | UniformDensity
    | DensityFromFile,
    Field(discriminator="name"),
]

DensityConfig = Annotated[
    CosineDensity
    | LaplaceDensity
    | CauchyDensity
    | NormalDensity
    | LogitNormalDensity
    | LogisticDensity
    | LinearBetaDensity
    | UniformDensity
    | DensityFromFile
    | AdaptiveDensity
    | LearnedDensity,
    Field(discriminator="name"),
]

FOUND_IN_TRAINING = (AdaptiveDensity, LearnedDensity)
"""Densities that change while they are used."""
