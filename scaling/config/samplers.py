"""Samplers and their grids of noise levels (models/diffusion/samplers)."""

from typing import Annotated, Literal

from pydantic import Field

from scaling.config.densities import CosineDensity, FixedDensityConfig
from scaling.config.extension import FromFile
from scaling.config.section import Section


class DDIM(Section):
    """Deterministic, first order (arXiv 2010.02502)."""

    name: Literal["ddim"] = "ddim"


class Ancestral(Section):
    """DDPM's posterior at every step (arXiv 2006.11239)."""

    name: Literal["ancestral"] = "ancestral"
    eta: float = Field(default=1.0, ge=0, le=1, description="of the noise's deviation; 0: ddim")


class Euler(Section):
    """Deterministic, first order, straight steps in the process's own time."""

    name: Literal["euler"] = "euler"


class Heun(Section):
    """Second order in the process's own time, two evaluations a step, with churn (EDM, 2206.00364).

    Limits of the churn are levels of log-SNR: -2 log S_tmax and -2 log S_tmin.
    """

    name: Literal["heun"] = "heun"
    churn: float = Field(default=0.0, ge=0, description="S_churn; 0: deterministic")
    churn_log_snr_min: float | None = Field(default=None, description="none: from the noisiest on")
    churn_log_snr_max: float | None = Field(default=None, description="none: to the cleanest")
    churn_noise: float = Field(default=1.0, gt=0, description="S_noise")


class DPMSolver(Section):
    """DPM-Solver++(2M): deterministic, second order, one evaluation a step (arXiv 2211.01095)."""

    name: Literal["dpmpp_2m"] = "dpmpp_2m"


class SDEDPMSolver(Section):
    """SDE-DPM-Solver++(2M): stochastic, one evaluation a step (arXiv 2211.01095)."""

    name: Literal["dpmpp_2m_sde"] = "dpmpp_2m_sde"


class SamplerFromFile(FromFile):
    """A function of a file that returns a models.diffusion.samplers.Sampler."""


SamplerConfig = Annotated[
    DDIM | Ancestral | Euler | Heun | DPMSolver | SDEDPMSolver | SamplerFromFile,
    Field(discriminator="name"),
]


class QuantileGrid(Section):
    """Equal steps of a density's distribution; of cosine: the cosine schedule's equal times."""

    name: Literal["quantiles"] = "quantiles"
    density: FixedDensityConfig = CosineDensity()


class UniformGrid(Section):
    """Equal steps of log-SNR."""

    name: Literal["uniform"] = "uniform"


class TimeGrid(Section):
    """Equal steps of the process's own time."""

    name: Literal["time"] = "time"


class PowerGrid(Section):
    """Equal steps of sigma^(1 / rho) (EDM, arXiv 2206.00364, Eq. 5)."""

    name: Literal["power"] = "power"
    rho: float = Field(default=7.0, gt=0)


GridConfig = Annotated[
    QuantileGrid | UniformGrid | TimeGrid | PowerGrid, Field(discriminator="name")
]
