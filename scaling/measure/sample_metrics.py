"""Distances between the images that runs draw and real ones, as measurements of the runs.

Captions are those of held-out images, and so are the references. Noise depends on the seed and the
image's number alone, so that runs are compared on the same draws. The control puts as many training
images in the samples' place: what a perfect model could be expected to reach.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Float32, UInt8

from scaling import build
from scaling.config import RunConfig
from scaling.data.source import Source
from scaling.errors import InputError
from scaling.measure.distances.estimate import TWO_SIDED_95, Estimate
from scaling.measure.distances.metrics import FEWEST, METRICS, Pair, measure
from scaling.measure.features.named import named
from scaling.measure.kept_features import features_of, kept_features_of
from scaling.measure.rows import Measurement, protocol_hash
from scaling.measure.sample_protocols import REAL, sample_protocols
from scaling.measure.samples import IMAGES_AT_ONCE, make_block_sampler, to_uint8


class SampleMeter:
    """Measures cohorts of one program: `rows(parameters, horizon)` per run, and `control_rows`."""

    def __init__(
        self,
        config: RunConfig,
        source: Source,
        mesh: Mesh | None = None,
        *,
        images_at_once: int = IMAGES_AT_ONCE,
    ):
        settings = config.measure.distances
        self._settings, self.weights = settings, build.best_weights(config)
        self._protocols: dict[str, dict[str, Any]] = {}
        if not settings.samples:
            return
        held_out = source.held_out(settings.references, settings.seed)
        if len(held_out.ids) < 2 * FEWEST:
            raise InputError(
                f"measure.distances: there are {len(held_out.ids)} held-out images to compare "
                f"with, and {2 * FEWEST} are needed; raise data.held_out"
            )
        told = source.held_out(settings.samples, settings.seed).tokens
        self._tokens = told[np.arange(settings.samples) % len(told)]
        self._network = named(settings.network)
        self._references = to_uint8(held_out.images)
        self._training = to_uint8(source.train_sample(settings.samples, settings.seed).images)
        sets = self._references, self._training
        self._protocols = sample_protocols(config, source.content_hash, self._network, *sets)
        self._sampler = make_block_sampler(
            config, settings.drawing, self._tokens, mesh=mesh, images_at_once=images_at_once
        )

    def protocols(self) -> dict[str, dict[str, Any]]:
        """Every protocol in use, by its hash."""
        return {protocol_hash(protocol): protocol for protocol in self._protocols.values()}

    def due(self, *, last: bool) -> bool:
        """Whether samples are drawn at this horizon."""
        return bool(self._settings.samples) and (last or self._settings.horizons == "all")

    @cached_property
    def _real(self) -> Float32[np.ndarray, "n d"]:
        return kept_features_of(self._references, self._network, "the held-out images")

    def rows(self, parameters: Any, horizon: int) -> list[list[Measurement]]:
        """For each run of the cohort, of parameters with a run axis."""
        runs = len(jax.tree.leaves(parameters)[0])
        features: list[list[np.ndarray]] = [[] for _ in range(runs)]
        broken = np.zeros(runs, bool)
        for block in self._sampler(parameters):
            broken |= ~np.isfinite(block).all(axis=(1, 2, 3, 4))
            for run in np.flatnonzero(~broken):
                features[run].append(self._features(to_uint8(block[run])))
        return [
            list(self._broken(horizon) if bad else self._rows(np.concatenate(parts), horizon))
            for bad, parts in zip(broken, features, strict=True)
        ]

    def control_rows(self, horizon: int) -> Iterator[Measurement]:
        """Training images in the samples' place."""
        yield from self._labelled(self._control, REAL, len(self._training), horizon)

    @cached_property
    def _control(self) -> dict[str, Estimate]:
        return self._distances(
            kept_features_of(self._training, self._network, "the training images")
        )

    def _features(self, images: UInt8[np.ndarray, "n h w c"]) -> Float32[np.ndarray, "n d"]:
        return features_of(images, self._network, "the samples")

    def _distances(self, features: Float32[np.ndarray, "n d"]) -> dict[str, Estimate]:
        pair = Pair(real=self._real, generated=features, logits=None)
        return measure(pair, self._settings.metrics)

    def _rows(self, features: Float32[np.ndarray, "n d"], horizon: int) -> Iterator[Measurement]:
        yield from self._labelled(self._distances(features), self.weights, len(features), horizon)

    def _broken(self, horizon: int) -> Iterator[Measurement]:
        """Of a run that drew an image that is not finite: no number stands for that."""
        nothing = Estimate(value=np.nan, low=np.nan, high=np.nan)
        found = {name: nothing for name in METRICS if name in self._settings.metrics}
        yield from self._labelled(found, self.weights, self._settings.samples, horizon)

    def _labelled(
        self, found: dict[str, Estimate], weights: str, count: int, horizon: int
    ) -> Iterator[Measurement]:
        for metric, estimate in found.items():
            yield Measurement(
                horizon=horizon,
                weights=weights,
                split="held_out",
                metric=metric,
                log_snr=None,
                value=float(estimate.value),
                standard_error=standard_error(estimate),
                count=count,
                protocol=protocol_hash(self._protocols[weights]),
            )


def standard_error(estimate: Estimate) -> float:
    """Of the wider side of a 95 % interval: no side of value ± 1.96 of them is too short."""
    reach = max(estimate.high - estimate.value, estimate.value - estimate.low)
    return float(reach) / TWO_SIDED_95
