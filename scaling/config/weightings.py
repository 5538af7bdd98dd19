"""How errors at different noise levels weigh: a factor, or what it should amount to."""

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from scaling.config.densities import FixedDensityConfig
from scaling.config.extension import FromFile
from scaling.config.section import Section

Quantity = Literal["v", "epsilon", "x0", "velocity", "edm"]

Numbers = Annotated[tuple[float, ...], Field(strict=False, min_length=2, max_length=10_000)]


class ConstantFactor(Section):
    """Every noise level counts as often as it is drawn (on the chosen error)."""

    name: Literal["constant"] = "constant"


class MinSNRFactor(Section):
    """min(SNR, gamma) on the x0-error (arXiv 2303.09556), carried over to the chosen error."""

    name: Literal["min_snr"] = "min_snr"
    gamma: float = Field(default=5.0, gt=0)


class SoftMinSNRFactor(Section):
    """SNR gamma / (SNR + gamma) on the x0-error, carried over."""

    name: Literal["soft_min_snr"] = "soft_min_snr"
    gamma: float = Field(default=5.0, gt=0)


class P2Factor(Section):
    """(k + SNR)^-gamma on the epsilon-error (arXiv 2204.00227), carried over."""

    name: Literal["p2"] = "p2"
    gamma: float = Field(default=1.0, ge=0)
    k: float = Field(default=1.0, ge=0)


class SigmoidFactor(Section):
    """sigmoid(bias - lambda) on the epsilon-error (VDM++, arXiv 2303.00848), carried over."""

    name: Literal["sigmoid"] = "sigmoid"
    bias: float = 0.0


class EDMFactor(Section):
    """EDM's (sigma^2 + d^2) / (sigma d)^2 on the x0-error (arXiv 2206.00364), carried over."""

    name: Literal["edm"] = "edm"
    data_deviation: float = Field(default=0.5, gt=0)


class _Table(Section):
    name: Literal["table"] = "table"
    log_snr: Numbers = Field(description="rising")
    values: Numbers = Field(description="one for each, linear in between")

    @model_validator(mode="after")
    def _lengths(self) -> "_Table":
        if len(self.log_snr) != len(self.values):
            raise ValueError(
                f"values: {len(self.values)} numbers for {len(self.log_snr)} log-SNR levels"
            )
        if any(a >= b for a, b in pairwise(self.log_snr)):
            raise ValueError("log_snr: levels must rise strictly")
        if min(self.values) < 0 or max(self.values) <= 0:
            raise ValueError("values: must be at least 0, and one of them above")
        return self


class TableFactor(_Table):
    """Your own numbers on the error of `quantity`, carried over."""

    quantity: Quantity = "epsilon"


class FactorFromFile(FromFile):
    """A function of a file that returns a models.diffusion.weightings.Weighting."""


WeightingConfig = Annotated[
    ConstantFactor
    | MinSNRFactor
    | SoftMinSNRFactor
    | P2Factor
    | SigmoidFactor
    | EDMFactor
    | TableFactor
    | FactorFromFile,
    Field(discriminator="name"),
]


class FreeWeighting(Section):
    """Whatever density and factor amount to."""

    name: Literal["free"] = "free"


class NamedWeighting(Section):
    """w(lambda) of the epsilon-error, in the manner of VDM++ (arXiv 2303.00848, table 1)."""

    name: Literal["elbo", "epsilon", "x0", "v", "flow_matching", "indi"]


class EDMWeighting(Section):
    """N(lambda; location, scale^2) (exp(-lambda) + d^2); `edm_monotonic`: held at its peak."""

    name: Literal["edm", "edm_monotonic"]
    location: float = 2.4
    scale: float = Field(default=2.4, gt=0)
    data_deviation: float = Field(default=0.5, gt=0)


class MinSNRWeighting(Section):
    """sech(lambda / 2) min(1, gamma exp(-lambda)), or its soft form."""

    name: Literal["min_snr", "soft_min_snr"]
    gamma: float = Field(default=5.0, gt=0)


class P2Weighting(Section):
    """sech(lambda / 2) / (k + exp(lambda))^gamma."""

    name: Literal["p2"] = "p2"
    gamma: float = Field(default=1.0, ge=0)
    k: float = Field(default=1.0, ge=0)


class SigmoidWeighting(Section):
    """sigmoid(bias - lambda)."""

    name: Literal["sigmoid"] = "sigmoid"
    bias: float = 0.0


class TableWeighting(_Table):
    """Your own numbers, on the epsilon-error."""


class DensityWeighting(Section):
    """What drawing from `density` and averaging `error` amounts to."""

    name: Literal["density"] = "density"
    density: FixedDensityConfig
    error: Quantity = "v"


class ImpliedFromFile(FromFile):
    """A function of a file that returns w(lambda) of the epsilon-error, up to scale."""


ImpliedConfig = Annotated[
    FreeWeighting
    | NamedWeighting
    | EDMWeighting
    | MinSNRWeighting
    | P2Weighting
    | SigmoidWeighting
    | TableWeighting
    | DensityWeighting
    | ImpliedFromFile,
    Field(discriminator="name"),
]
