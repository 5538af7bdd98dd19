"""How probable a run finds held-out images."""

from typing import Literal

from pydantic import Field

from scaling.config.section import Section


class LikelihoodConfig(Section):
    """Bits per dimension of held-out images at the last horizon; neither bound nor ODE: none."""

    bound: bool = Field(default=False, description="the variational bound and its three terms")
    ode: Literal["none", "hutchinson", "exact"] = Field(
        default="none",
        description="the probability-flow ODE's density, its divergence by random probes or exact",
    )
    examples: int = Field(default=64, ge=2, description="held-out images")
    levels: int = Field(default=64, ge=1, description="noise levels per image, of the bound")
    steps: int = Field(
        default=64, ge=2, multiple_of=2, description="of the ODE, four network evaluations each"
    )
    probes: int = Field(default=1, ge=1, description="random probes per image, of the ODE")
    seed: int = Field(default=0, ge=0, description="of the examples and noise, shared by all runs")
