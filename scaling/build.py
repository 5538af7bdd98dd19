"""From a configuration to the objects of the models room."""

from models.diffusion.densities import Density, bounded
from models.diffusion.process import PROCESSES, Process
from models.diffusion.weightings import WEIGHTINGS, Weighting
from models.ladder import LADDERS
from models.networks.dit import DiTShape
from models.networks.functional import Functional, functional
from scaling.config import DensityConfig, DiffusionConfig, RunConfig, WeightingConfig
from scaling.data.facts import facts


def density(config: DensityConfig, low: float, high: float) -> Density:
    """The configured density on [low, high]."""
    return bounded(config.name, low, high, **config.model_dump(exclude={"name"}))


def training_density(config: DiffusionConfig) -> Density:
    """Where training samples its noise levels."""
    return density(config.density, config.log_snr_min, config.log_snr_max)


def process(config: DiffusionConfig) -> Process:
    """The configured process."""
    return PROCESSES[config.process.name](**config.process.model_dump(exclude={"name"}))


def weighting(config: WeightingConfig) -> Weighting:
    """The configured weighting."""
    return WEIGHTINGS[config.name](**config.model_dump(exclude={"name"}))


def shape(config: RunConfig) -> DiTShape:
    """The network's size and the shape of what it reads."""
    about = facts(config.data)
    return DiTShape(
        rung=LADDERS[config.model.family][config.model.rung],
        size=about.size,
        channels=about.channels,
        patch_size=config.model.patch_size,
        vocabulary=about.vocabulary,
    )


def network(config: RunConfig) -> Functional:
    """The network as pure functions."""
    return functional(config.model.family, shape(config))


def ema_name(sigma_rel: float) -> str:
    """What measurements of an averaged network call its weights."""
    return f"ema_{sigma_rel:g}"


def best_weights(config: RunConfig) -> str:
    """The weights that samples are drawn from: the first average, or raw ones without any."""
    return ema_name(config.train.ema[0]) if config.train.ema else "raw"
