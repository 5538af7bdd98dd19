"""Bits per dimension of held-out images: the variational bound and the probability-flow ODE.

Both run between the configured log_snr_min and log_snr_max, so that no network is evaluated where
it was not trained. Their values speak of that range, and the protocol names it.
"""

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from models.diffusion.likelihood import BIN_WIDTH, bits_per_dimension, dequantise, flow
from models.diffusion.likelihood.bound import variational_bound
from models.diffusion.predictions import Denoiser, denoiser, to_x0_and_noise
from models.diffusion.process import Process
from scaling import build
from scaling.config import RunConfig
from scaling.data.source import EvaluationSet, Source
from scaling.environment import compiler_options
from scaling.measure.levels import in_blocks
from scaling.measure.meter import ORACLE, precision
from scaling.measure.rows import Measurement, mean_and_error, protocol_hash
from scaling.run_axis import for_each_run

Columns = dict[str, Float[Array, " b"]]
"""Bits per dimension of each example, by metric."""

BOUND = ("bound", "prior", "diffusion", "reconstruction")
ODE = ("ode", "ode_step_error")
SUFFIX = "_bits_per_dimension"
STREAMS = {"bound": 0, "dequantise": 1, "probes": 2}


class LikelihoodMeter:
    """Measures cohorts of one program: `rows(weights name, parameters, horizon)` per run.

    Captions are given to the network: what is measured is p(image | caption).
    """

    def __init__(self, config: RunConfig, source: Source):
        settings = config.measure.likelihood
        process = build.process(config.diffusion)
        discrete = source.discrete
        self._protocols = _protocols(config, source, discrete)
        self._metrics = [m for m in BOUND + ODE if _family(m) in self._protocols]
        self._oracle = source.denoiser
        if not self._metrics:
            return
        self._data = source.held_out(settings.examples, settings.seed)
        network = build.network(config)
        measure = partial(_bits, config, process, discrete)

        def of_run(parameters: Any, batch: EvaluationSet) -> Array:
            apply = partial(network.apply, parameters)
            tokens = jnp.asarray(batch.tokens)
            columns = measure(denoiser(process, apply, tokens, config.diffusion.prediction), batch)
            return jnp.stack([columns[m] for m in self._metrics], axis=-1)

        def of_oracle(_: None, batch: EvaluationSet) -> Array:
            columns = measure(_closed_form(process, source), batch)
            return jnp.stack([columns[m] for m in self._metrics], axis=-1)

        self._of_runs = jax.jit(
            lambda parameters, batch: for_each_run(partial(of_run, batch=batch), parameters),
            compiler_options=compiler_options(),
        )
        self._of_oracle = jax.jit(of_oracle)

    def protocols(self) -> dict[str, dict[str, Any]]:
        """Every protocol in use, by its hash."""
        return {protocol_hash(protocol): protocol for protocol in self._protocols.values()}

    def rows(self, name: str, parameters: Any, horizon: int) -> list[list[Measurement]]:
        """For each run of the cohort, the rows of the weights `name`; empty where none is asked."""
        if not self._metrics:
            return [[] for _ in range(len(jax.tree.leaves(parameters)[0]))]
        bits = in_blocks(self._of_runs, parameters, self._data)
        return [list(self._rows(of_run, name, horizon)) for of_run in bits]

    def oracle_rows(self, horizon: int) -> Iterator[Measurement]:
        """The closed-form denoiser's on the same draws, where there is one."""
        if self._metrics and self._oracle is not None:
            bits = in_blocks(self._of_oracle, None, self._data)
            yield from self._rows(bits, ORACLE, horizon)

    def _rows(
        self, bits: Float[np.ndarray, "n m"], name: str, horizon: int
    ) -> Iterator[Measurement]:
        for metric, value, error in zip(self._metrics, *mean_and_error(bits), strict=True):
            yield Measurement(
                horizon=horizon,
                weights=name,
                split="held_out",
                metric=metric + SUFFIX,
                log_snr=None,
                value=float(value),
                standard_error=float(error),
                count=len(bits),
                protocol=protocol_hash(self._protocols[_family(metric)]),
            )


def _family(metric: str) -> str:
    return "bound" if metric in BOUND else "ode"


def _protocols(config: RunConfig, source: Source, discrete: bool) -> dict[str, dict[str, Any]]:
    settings = config.measure.likelihood
    common = {
        "data": source.content_hash,
        "split": "held_out",
        "examples": settings.examples,
        "seed": settings.seed,
        "log_snr": [config.diffusion.log_snr_min, config.diffusion.log_snr_max],
        "given": "caption",
        "prior": "standard normal",
        "values": "8 bits" if discrete else "continuous",
        "precision": precision(config),
    }
    found = {}
    if settings.bound:
        decoder = "discretised Gaussian" if discrete else "Gaussian"
        found["bound"] = common | {
            "likelihood": "variational bound",
            "decoder": decoder,
            "levels": settings.levels,
        }
    if settings.ode != "none":
        found["ode"] = common | {
            "likelihood": "probability-flow ODE",
            "dequantisation": "uniform" if discrete else "none",
            "solver": "RK4, equal steps in log-SNR",
            "steps": settings.steps,
            "divergence": settings.ode,
            "probes": settings.probes if settings.ode == "hutchinson" else None,
        }
    return found


def _closed_form(process: Process, source: Source) -> Denoiser:
    best = source.denoiser
    assert best is not None

    def denoise(z: Array, log_snr: Array) -> tuple[Array, Array]:
        return to_x0_and_noise(process, best(process, z, log_snr), z, log_snr, "x0")

    return denoise


def _keys(seed: int, ids: Array, stream: str) -> Key[Array, " b"]:
    """A key for each example that depends on its id, not on the block or the run."""
    key = jax.random.fold_in(jax.random.key(seed), STREAMS[stream])
    return jax.vmap(jax.random.fold_in, (None, 0))(key, ids)


def _bits(
    config: RunConfig, process: Process, discrete: bool, denoise: Denoiser, batch: EvaluationSet
) -> Columns:
    settings = config.measure.likelihood
    images, ids = jnp.asarray(batch.images), jnp.asarray(batch.ids)
    span = {"low": config.diffusion.log_snr_min, "high": config.diffusion.log_snr_max}
    dimensions = math.prod(images.shape[1:])
    columns: Columns = {}
    if settings.bound:
        keys = _keys(settings.seed, ids, "bound")
        found = variational_bound(
            process, denoise, images, keys, **span, levels=settings.levels, discrete=discrete
        )
        columns |= {
            name: bits_per_dimension(value, dimensions)
            for name, value in {"bound": found.total, **found._asdict()}.items()
        }
    if settings.ode != "none":
        width = BIN_WIDTH if discrete else 1.0
        if discrete:
            images = dequantise(images, _keys(settings.seed, ids, "dequantise"))
        probes = _probes(config, images, ids)

        def by(steps: int) -> Float[Array, " b"]:
            density = flow.log_density(process, denoise, images, probes, **span, steps=steps)
            return bits_per_dimension(-density, dimensions, width)

        bits = by(settings.steps)
        columns |= {"ode": bits, "ode_step_error": jnp.abs(bits - by(settings.steps // 2))}
    return columns


PROBES: dict[str, Callable[..., Array]] = {
    "exact": lambda settings, images, ids: flow.basis(images.shape[1:], images.dtype),
    "hutchinson": lambda settings, images, ids: flow.rademacher(
        _keys(settings.seed, ids, "probes"), settings.probes, images.shape[1:], images.dtype
    ),
}


def _probes(config: RunConfig, images: Array, ids: Array) -> Float[Array, "p #b *d"]:
    settings = config.measure.likelihood
    return PROBES[settings.ode](settings, images, ids)
