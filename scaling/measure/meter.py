"""Everything a cohort measures at a horizon, compiled once."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float

from models.diffusion import densities
from models.diffusion.predictions import error_ratio, from_x0_and_noise, to_x0_and_noise
from models.diffusion.process import over_images
from scaling import build
from scaling.config import RunConfig
from scaling.data.source import EvaluationSet, Source
from scaling.environment import compiler_options
from scaling.measure import quadrature
from scaling.measure.floor import description, floor
from scaling.measure.levels import in_blocks, level_losses
from scaling.measure.rows import Measurement, level_rows, protocol_hash, weighted_row
from scaling.run_axis import for_each_run

ORACLE = "closed_form"
OPTIMAL = "optimal"


@dataclass(frozen=True)
class Split:
    """A fixed set of examples, and the least losses possible on it, where they are known.

    `best` is what rows call the denoiser that reaches them: the oracle of a mixture in closed form,
    or the optimal one of a finite set.
    """

    data: EvaluationSet
    protocol: dict[str, Any]
    floor: Float[np.ndarray, "n k"] | None = None
    best: str = ORACLE
    floor_protocol: dict[str, Any] = field(default_factory=dict)


def precision(config: RunConfig) -> str:
    """What rows of a network's errors say: it is evaluated in the precision that it trains in."""
    trained = config.train.precision
    return trained if trained == "float32" else f"{trained} network, float32 errors"


class Meter:
    """Measures cohorts of one program: `rows(weights name, parameters, horizon)` per run."""

    def __init__(self, config: RunConfig, source: Source):
        measure = config.measure
        self._sparing = measure.before_last == "average"
        self.log_snr = np.array(measure.log_snr)
        low, high = measure.log_snr[0], measure.log_snr[-1]
        self.means = {
            "importance_weighted": build.density(measure.importance, low, high),
            "uniform": densities.uniform(low, high),
        }
        self.coefficients = {
            name: quadrature.weights(density, self.log_snr) for name, density in self.means.items()
        }
        self._training = {
            "data": source.content_hash,
            "augmented": config.data.model_dump(mode="json"),
            # The loss that is recorded is the weighted one, not divided by a learned variance.
            "diffusion": config.diffusion.model_dump(mode="json", exclude={"log_variance"}),
            "batch_size": config.train.batch_size,
            "caption_dropout": config.train.caption_dropout,
        }
        if config.train.dropout:
            self._training["dropout"] = config.train.dropout
        if config.train.precision != "float32":
            self._training["precision"] = precision(config)
        network = build.network(config)

        def of_run(parameters: Any, batch: EvaluationSet) -> Array:
            return self._per_level(config, partial(network.apply, parameters), batch)

        self._losses = jax.jit(
            lambda parameters, batch: for_each_run(partial(of_run, batch=batch), parameters),
            compiler_options=compiler_options(),
        )
        self.splits = {
            name: self._split(config, source, name, data)
            for name, data in _sets(config, source).items()
        }

    def _split(self, config: RunConfig, source: Source, name: str, data: EvaluationSet) -> Split:
        protocol = self._protocol(config, source, name, len(data.ids))
        known = partial(Split, data, protocol)
        if config.measure.floor.method == "none":
            return known(self._closed_form(config, source, data), floor_protocol=protocol)
        if name != "train":
            return known()
        x0_error = floor(config, source, data)
        ratio = error_ratio(
            build.process(config.diffusion),
            "x0",
            config.measure.error,
            jax.numpy.asarray(self.log_snr, jax.numpy.float32),
        )
        return known(
            x0_error * np.asarray(ratio),
            OPTIMAL,
            {**protocol, "floor": description(config.measure.floor)},
        )

    def _per_level(self, config: RunConfig, network: Any, batch: EvaluationSet) -> Array:
        return level_losses(
            build.process(config.diffusion),
            network,
            batch,
            jax.numpy.asarray(self.log_snr, jax.numpy.float32),
            seed=config.measure.seed,
            draws=config.measure.draws,
            prediction=config.diffusion.prediction,
            error=config.measure.error,
        )

    def _closed_form(
        self, config: RunConfig, source: Source, data: EvaluationSet
    ) -> np.ndarray | None:
        """The losses of the closed-form denoiser on the same draws, where the source has one."""
        denoiser = source.denoiser
        if denoiser is None:
            return None
        process, quantity = build.process(config.diffusion), config.diffusion.prediction

        def oracle(read: Array, log_snr: Array, tokens: Array) -> Array:
            z = read / over_images(process.input_scale(log_snr), read)
            x0 = denoiser(process, z, log_snr)
            _, noise = to_x0_and_noise(process, x0, z, log_snr, "x0")
            return from_x0_and_noise(process, x0, noise, log_snr, quantity)

        return in_blocks(
            jax.jit(lambda _, batch: self._per_level(config, oracle, batch)), None, data
        )

    def _protocol(
        self, config: RunConfig, source: Source, split: str, examples: int
    ) -> dict[str, Any]:
        measure = config.measure
        return {
            "data": source.content_hash,
            "split": split,
            "examples": examples,
            "draws": measure.draws,
            "seed": measure.seed,
            "error": measure.error,
            "log_snr": list(measure.log_snr),
            "importance": measure.importance.model_dump(),
            "precision": precision(config),
        }

    @property
    def training_protocol(self) -> str:
        """The hash under which mean training losses may be compared."""
        return protocol_hash(self._training)

    def protocols(self) -> dict[str, dict[str, Any]]:
        """Every protocol in use, by its hash."""
        splits = self.splits.values()
        every = [split.protocol for split in splits] + [self._training]
        every += [split.floor_protocol for split in splits if split.floor is not None]
        return {protocol_hash(protocol): protocol for protocol in every}

    def due(self, weights: str, split: str, *, last: bool) -> bool:
        """Whether these weights are measured on this split at this horizon."""
        return last or not self._sparing or (weights != "raw" and split == "held_out")

    def rows(
        self, name: str, parameters: Any, horizon: int, *, last: bool
    ) -> list[list[Measurement]]:
        """For each run of the cohort, the rows of the weights `name` at this horizon."""
        runs: list[list[Measurement]] = [[] for _ in range(_run_count(parameters))]
        for split_name, split in self.splits.items():
            if not self.due(name, split_name, last=last):
                continue
            losses = in_blocks(self._losses, parameters, split.data)
            for rows, run_losses in zip(runs, losses, strict=True):
                rows.extend(self._run_rows(run_losses, split_name, split, name, horizon))
        return runs

    def _run_rows(
        self, losses: np.ndarray, split_name: str, split: Split, name: str, horizon: int
    ) -> Iterator[Measurement]:
        labels = {
            "horizon": horizon,
            "split": split_name,
            "protocol": protocol_hash(split.protocol),
        }
        yield from self._summaries(losses, "loss", weights=name, **labels)
        if split.floor is not None:
            excess = losses.astype(np.float64) - split.floor
            labels["protocol"] = protocol_hash(split.floor_protocol)
            yield from self._summaries(excess, "excess_loss", weights=name, **labels)

    def floor_rows(self, horizon: int) -> Iterator[Measurement]:
        """The best possible denoiser's own losses, where they are known."""
        for split_name, split in self.splits.items():
            if split.floor is not None:
                yield from self._summaries(
                    split.floor,
                    "loss",
                    weights=split.best,
                    split=split_name,
                    horizon=horizon,
                    protocol=protocol_hash(split.floor_protocol),
                )

    def _summaries(self, losses: np.ndarray, metric: str, **labels: Any) -> Iterator[Measurement]:
        yield from level_rows(losses, self.log_snr, metric=metric, **labels)
        for mean, coefficients in self.coefficients.items():
            yield weighted_row(losses, coefficients, metric=f"{mean}_{metric}", **labels)


def _run_count(parameters: Any) -> int:
    return jax.tree.leaves(parameters)[0].shape[0]


def _sets(config: RunConfig, source: Source) -> dict[str, EvaluationSet]:
    measure = config.measure
    sets = {"held_out": source.held_out(measure.held_out_examples, measure.seed)}
    if measure.train_examples:
        sets["train"] = source.train_sample(measure.train_examples, measure.seed)
    return sets
