"""Distances between the images that runs draw and real ones, as measurements of the runs.

Captions are those of held-out images, and so are the references. Noise depends on the seed and the
image's number alone, so that runs are compared on the same draws. The control puts as many training
images in the samples' place: what a perfect model could be expected to reach.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cached_property
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Float, Float32

from scaling import build
from scaling.config import RunConfig
from scaling.config.horizons import sampled_at
from scaling.data.source import Source
from scaling.errors import InputError
from scaling.measure.distances.estimate import Estimate, standard_error
from scaling.measure.distances.metrics import (
    BEYOND,
    FEWEST,
    GAUSSIANITY,
    METRICS,
    SHARES,
    Pair,
)
from scaling.measure.distances.repeats import measure_sets
from scaling.measure.draws import captions
from scaling.measure.features.named import named
from scaling.measure.kept_features import features_of, kept_features_of
from scaling.measure.rows import Measurement, protocol_hash
from scaling.measure.sample_protocols import (
    REAL,
    common_protocol,
    control_protocol,
    drawn_protocol,
    repeated,
)
from scaling.measure.samples import IMAGES_AT_ONCE, make_block_sampler, to_uint8

SEVERAL = {"gaussianity": GAUSSIANITY}
"""Metrics that have a row for each of these."""

Features = Float32[np.ndarray, "n d"]


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
        self._horizons = sampled_at(config.measure, config.train.steps)
        self._protocols: dict[str, dict[str, Any]] = {}
        if not settings.samples:
            return
        with_shares = SHARES if "fd_infinite" in settings.metrics else ()
        self._wanted = (*settings.metrics, *with_shares)
        held_out = source.held_out(settings.references, settings.seed)
        if len(held_out.ids) < 2 * FEWEST:
            raise InputError(
                f"measure.distances: there are {len(held_out.ids)} held-out images to compare "
                f"with, and {2 * FEWEST} are needed; raise data.held_out"
            )
        preferred = config.measure.preference
        drawn = preferred.samples if preferred.shares(settings) else 0
        self._tokens = captions(source, max(settings.images, drawn), settings.seed)
        self._network = named(settings.network)
        self._references = to_uint8(held_out.images)
        self._training = to_uint8(source.train_sample(settings.samples, settings.seed).images)
        self.common = common_protocol(source.content_hash, self._network, self._references)
        self._protocols = {
            self.weights: drawn_protocol(self.common, config, settings.drawing, self.weights)
            | repeated(settings),
            REAL: control_protocol(self.common, len(self._training), settings.seed),
        }
        self._sampler = make_block_sampler(
            config, settings.drawing, self._tokens, mesh=mesh, images_at_once=images_at_once
        )

    def protocols(self) -> dict[str, dict[str, Any]]:
        """Every protocol in use, by its hash."""
        return {protocol_hash(protocol): protocol for protocol in self._protocols.values()}

    def due(self, horizon: int) -> bool:
        """Whether samples are drawn at this horizon."""
        return bool(self._settings.samples) and horizon in self._horizons

    @cached_property
    def _real(self) -> Float32[np.ndarray, "n d"]:
        return kept_features_of(self._references, self._network, "the held-out images")

    def rows(
        self,
        parameters: Any,
        horizon: int,
        watched: Callable[[Iterable[Any]], Iterable[Any]] = iter,
    ) -> list[list[Measurement]]:
        """For each run of the cohort, of parameters with a run axis.

        `watched` hands on the blocks of images, and may keep them.
        """
        runs = len(jax.tree.leaves(parameters)[0])
        drawn = first(watched(self._sampler(parameters)), self._settings.images)
        labels = self._labels(self.weights, self._settings.samples, horizon)
        return [
            list(self.distance_rows(features, self._wanted, self._settings.repeats, **labels))
            for features in self.features(drawn, range(runs))
        ]

    def control_rows(self, horizon: int) -> Iterator[Measurement]:
        """Training images in the samples' place."""
        yield from labelled(self._control, **self._labels(REAL, len(self._training), horizon))

    @cached_property
    def _control(self) -> dict[str, Estimate]:
        training = kept_features_of(self._training, self._network, "the training images")
        return self._distances(training, self._wanted, 1)

    def features(
        self, blocks: Iterable[Float[np.ndarray, "runs b h w c"]], wanted: Collection[int]
    ) -> list[Features | None]:
        """Of the images of each run wanted; None for a run of which one is not finite."""
        parts: dict[int, list[np.ndarray] | None] = {run: [] for run in wanted}
        for block in blocks:
            for run in wanted:
                if not np.isfinite(block[run]).all():
                    parts[run] = None
                if (found := parts[run]) is not None:
                    found.append(features_of(to_uint8(block[run]), self._network, "the samples"))
        return [None if found is None else np.concatenate(found) for found in parts.values()]

    def distance_rows(
        self, features: Features | None, wanted: Collection[str], sets: int = 1, **labels: Any
    ) -> Iterator[Measurement]:
        """A row for each metric, of features in so many sets, each of `count` samples.

        Without features no number stands for what could not be drawn.
        """
        if features is not None:
            yield from labelled(self._distances(features, wanted, sets), **labels)
            return
        every, asked = (*METRICS, BEYOND, *SHARES, *GAUSSIANITY), in_full(wanted)
        nothing = dict.fromkeys((name for name in every if name in asked), Estimate.unknown())
        yield from labelled(nothing, **labels)

    def _distances(
        self, features: Features, wanted: Collection[str], sets: int
    ) -> dict[str, Estimate]:
        pair = Pair(real=self._real, generated=features, logits=None)
        return measure_sets(pair, sets, in_full(wanted))

    def _labels(self, weights: str, count: int, horizon: int) -> dict[str, Any]:
        protocol = protocol_hash(self._protocols[weights])
        return {"horizon": horizon, "weights": weights, "count": count, "protocol": protocol}


def in_full(wanted: Collection[str]) -> tuple[str, ...]:
    """Names of rows for those that a manifest has for metrics: a test has several numbers."""
    return tuple(row for name in wanted for row in SEVERAL.get(name, (name,)))


def first(blocks: Iterable[Any], count: int) -> Iterator[Any]:
    """Of blocks [runs, b, h, w, c] the first `count` images; all blocks are drawn."""
    taken = 0
    for block in blocks:
        if taken < count:
            yield block[:, : count - taken]
        taken += block.shape[1]


def labelled(found: dict[str, Estimate], **labels: Any) -> Iterator[Measurement]:
    """Distances to the held-out images as rows; of a share, `count` is that of its samples."""
    for metric, estimate in found.items():
        shares = SHARES.index(metric) + 1 if metric in SHARES else 1
        here = labels | {"count": labels["count"] // shares}
        yield Measurement(
            split="held_out",
            metric=metric,
            log_snr=None,
            value=float(estimate.value),
            standard_error=standard_error(estimate),
            **here,
        )
