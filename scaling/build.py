"""From a configuration to the objects of the models room."""

import importlib.util
from collections.abc import Callable
from typing import Any

import jax
from jaxtyping import Array, Float

from models import transfer
from models.compute import Compute
from models.diffusion import densities, weightings
from models.diffusion.densities import Density, resolution_shift
from models.diffusion.densities.schedules import Schedule, adaptive, fixed, learned
from models.diffusion.predictions import error_ratio
from models.diffusion.process import PROCESSES, Process
from models.networks.functional import Functional, functional
from scaling.config import DensityConfig, DiffusionConfig, RunConfig
from scaling.config.extension import FromFile
from scaling.config.section import Section
from scaling.config.transfer import MuP, ParametersRule, WidthRule
from scaling.config.weightings import DensityWeighting, FreeWeighting
from scaling.costs import counts, shape
from scaling.data.facts import facts
from scaling.errors import InputError

Factor = Callable[[Density, Float[Array, "*s"]], Float[Array, "*s"]]
"""(the density drawn from, log_snr) -> the number that each squared error is multiplied with."""


def named(table: dict[str, Callable[..., Any]], config: Section, kind: Any) -> Any:
    """What a section names: an entry of `table`, or a function of the user's file for a `kind`."""
    if not isinstance(config, FromFile):
        parameters = config.model_dump()
        return table[parameters.pop("name")](**parameters)
    name = config.function.rpartition(":")[2]
    spec = importlib.util.spec_from_file_location(f"user_{config.digest}", config.file)
    if spec is None or spec.loader is None:
        raise InputError(f"{config.file}: is not a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not hasattr(module, name):
        raise InputError(f"{config.file}: has no function '{name}'")
    made = getattr(module, name)(**config.parameters)
    if not isinstance(made, kind):
        raise InputError(
            f"{config.file}: {name} must return a {kind.__name__}, not {type(made).__name__}"
        )
    return made


def density(config: DensityConfig, low: float, high: float, higher: float = 0.0) -> Density:
    """The configured density, so much `higher`, on [low, high]."""
    if config.name == "uniform":
        return densities.uniform(low, high)
    with jax.ensure_compile_time_eval():  # a user's may compute with jax, and we be in a trace
        unlimited = named(densities.DENSITIES, config, Density)
        shifted = densities.shift(unlimited, higher) if higher else unlimited
        return densities.truncate(shifted, low, high)


def schedule(config: RunConfig) -> Schedule:
    """Where training draws its noise levels, and how that changes in training."""
    diffusion = config.diffusion
    low, high = diffusion.log_snr_min, diffusion.log_snr_max
    found = {"adaptive": adaptive, "learned": learned}.get(diffusion.density.name)
    if found is not None:
        return found(low, high, **diffusion.density.model_dump(exclude={"name"}))
    return fixed(density(diffusion.density, low, high, shift(config)))


def shift(config: RunConfig) -> float:
    """By how much densities move up for `diffusion.reference_size`."""
    reference = config.diffusion.reference_size
    return 0.0 if reference is None else resolution_shift(facts(config.data).size, reference)


def process(config: DiffusionConfig) -> Process:
    """The configured process."""
    return named(PROCESSES, config.process, Process)


def factor(config: RunConfig) -> Factor:
    """The factor on the squared `diffusion.error` in the training loss."""
    diffusion = config.diffusion
    noise, error = process(diffusion), diffusion.error
    if isinstance(diffusion.implied, FreeWeighting):
        weighting = named(weightings.FACTORS, diffusion.weighting, weightings.Weighting)
        return lambda _, log_snr: weightings.on_error(noise, weighting, error, log_snr)
    low, high = diffusion.log_snr_min, diffusion.log_snr_max
    if isinstance(diffusion.implied, DensityWeighting):
        target, of = diffusion.implied.density, diffusion.implied.error
        drawn = density(target, low, high, shift(config))

        def w(log_snr: Array, /) -> Array:
            return drawn.pdf(log_snr) * error_ratio(noise, "epsilon", of, log_snr)
    else:
        w = named(weightings.IMPLIED, diffusion.implied, Callable)
    whole = weightings.whole(noise, w, error, low, high)
    return lambda density, log_snr: whole(log_snr) / density.pdf(log_snr)


def network(config: RunConfig) -> Functional:
    """The network as pure functions."""
    train = config.train
    scale = 1.0
    if isinstance(train.transfer, MuP) and train.transfer.base_depth:
        scale = train.transfer.base_depth / config.model.depth  # CompleteP, arXiv 2505.01618
    compute = Compute(
        precision=train.precision, rematerialise=train.rematerialise, update_scale=scale
    )
    return functional(config.model.family, shape(config), compute)


def factors(config: RunConfig) -> transfer.Factors | None:
    """Of each parameter's initial values and learning rate; None where all are one."""
    rule = config.train.transfer
    if not isinstance(rule, MuP):
        return None
    return transfer.mup(config.model.family, shape(config), rule.base_width)


def initialiser(config: RunConfig, factors: transfer.Factors | None) -> Callable[[Array], Any]:
    """key -> the parameters that training begins with."""
    init = network(config).init
    if factors is None:
        return init
    return lambda key: jax.tree.map(lambda p, factor: p * factor, init(key), factors.initial)


def learning_rate(config: RunConfig) -> float:
    """The peak rate at the run's own size, but for the factors."""
    rule, given = config.train.transfer, config.train.learning_rate
    if isinstance(rule, WidthRule):
        return given * (rule.base_width / config.model.width) ** 0.5
    if isinstance(rule, ParametersRule):
        return given * (counts(config).parameters / rule.base_parameters) ** rule.exponent
    return given


def ema_name(sigma_rel: float) -> str:
    """What measurements of an averaged network call its weights."""
    return f"ema_{sigma_rel:g}"


def best_weights(config: RunConfig) -> str:
    """The weights that samples are drawn from: the first average, or raw ones without any."""
    return ema_name(config.train.ema[0]) if config.train.ema else "raw"
