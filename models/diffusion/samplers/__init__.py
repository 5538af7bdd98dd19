"""Samplers over a grid of log-SNR, from noise to image, by name."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from jaxtyping import Array

from models.diffusion.samplers.deterministic import ddim, dpmpp_2m, euler
from models.diffusion.samplers.grids import GRIDS
from models.diffusion.samplers.heun import heun
from models.diffusion.samplers.stochastic import ancestral, dpmpp_2m_sde
from models.diffusion.samplers.walk import Draw, fresh_noise

__all__ = ["GRIDS", "SAMPLERS", "Draw", "Sampler", "fresh_noise"]


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """A way from noise to image, and what it costs.

    `sample(process, denoise, noise [b, ...], levels [steps], draw)` gives x0 [b, ...]; `levels`
    are rising log-SNR, and `draw` (walk.py) may be None where no noise is added on the way.
    `evaluations(steps)` counts the calls of `denoise`; the last level takes one like any other.
    """

    sample: Callable[..., Array]
    evaluations: Callable[[int], int]


def _constructor(
    sample: Callable[..., Array], evaluations: Callable[[int], int] = lambda steps: steps
) -> Callable[..., Sampler]:
    def make(**parameters: Any) -> Sampler:
        return Sampler(sample=partial(sample, **parameters), evaluations=evaluations)

    return make


# Constructors by name: the parameters are the functions' own keywords.
SAMPLERS: dict[str, Callable[..., Sampler]] = {
    "ddim": _constructor(ddim),
    "ancestral": _constructor(ancestral),
    "euler": _constructor(euler),
    "heun": _constructor(heun, evaluations=lambda steps: 2 * steps - 1),
    "dpmpp_2m": _constructor(dpmpp_2m),
    "dpmpp_2m_sde": _constructor(dpmpp_2m_sde),
}
