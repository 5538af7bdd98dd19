"""The best setting of inference of each run, chosen by samples that do not enter its value.

The least of several noisy values is too low on average (the winner's curse): a setting is chosen by
samples of its own captions and noise, and measured on those of the fixed setting, which had no part
in the choice. So fixed and best differ by the setting alone.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np

from scaling.config import RunConfig
from scaling.config.distance_metrics import WIN_RATE
from scaling.config.inference import Setting
from scaling.costs import counts
from scaling.measure.candidates import best, candidate
from scaling.measure.drawing import network_evaluations
from scaling.measure.preference import PreferenceMeter
from scaling.measure.rows import Measurement, protocol_hash
from scaling.measure.sample_metrics import SampleMeter
from scaling.measure.sample_protocols import chosen_protocol, drawn_protocol

EVALUATIONS, FLOPS = "sampling/network_evaluations", "sampling/flops"
"""The metrics that say what an image costs, in one run's networks and across sizes."""

Averages = Callable[[float | None], Any]
"""From a width to the parameters of all runs, averaged so; None: those sampled anyway."""

Drawn = Iterable[Any]
"""Blocks of images [runs, b, h, w, c]."""


class InferenceMeter:
    """Tries every setting on cohorts of one program, and measures each run's best anew.

    `draw` (a `Draws`) is not asked for anything before the first `rows`. Where a judge chooses,
    `preference` gives its rates, and the best setting's rates are measured, too.
    """

    def __init__(
        self,
        config: RunConfig,
        samples: SampleMeter,
        draw: Callable[[Setting, Any, int], Drawn],
        preference: PreferenceMeter | None = None,
    ):
        given = config.measure.distances
        self._samples, self._draw = samples, draw
        self._pairs = config.measure.preference.samples
        self._judged = preference if given.inference.judge else None
        self._given, self._tried = given, given.inference
        self._forward = counts(config).forward_flops
        self._candidates = [
            candidate(config, setting) for setting in self._tried.settings if self._tried.sweeps
        ]
        if not self._candidates:
            return
        self._protocols = {
            item.setting.name: drawn_protocol(samples.common, config, item.drawing, item.weights)
            for item in self._candidates
        }
        self._chosen = chosen_protocol(samples.common, config, self._protocols)
        if self._judged:
            told = {"judges": self._judged.about}
            self._protocols = {name: item | told for name, item in self._protocols.items()}
            self._chosen |= told

    def due(self, *, last: bool) -> bool:
        """Whether settings are tried at this horizon."""
        return last and bool(self._candidates)

    def protocols(self) -> dict[str, dict[str, Any]]:
        """Every protocol in use, by its hash."""
        used = (*self._protocols.values(), self._chosen) if self._candidates else ()
        return {protocol_hash(protocol): protocol for protocol in used}

    def rows(
        self, averages: Averages, fixed: Sequence[Sequence[Measurement]], horizon: int
    ) -> list[list[Measurement]]:
        """For each run the rows of candidates, of the best, and of what an image of each costs.

        `fixed` are the runs' rows of the fixed setting at the same horizon: of distances, and
        where a judge chooses of preference.
        """
        cost = network_evaluations(self._given.drawing)
        rows = [self._costs(of_run[0], cost) for of_run in fixed]
        values = np.full((len(fixed), len(self._candidates)), np.nan)
        every = dict.fromkeys(range(len(self._candidates)), range(len(fixed)))
        for place, run, new in self._measured(every, averages, "candidate", horizon):
            values[run, place] = new[0].value
            rows[run] += new
        costs = [item.cost for item in self._candidates]
        chosen: dict[int, list[int]] = {}
        for run, of_run in enumerate(values):
            place = best(of_run.tolist(), costs, self._tried.select_by)
            if place is not None and self._is_fixed(place):
                rows[run] += self._again(place, fixed[run])
            elif place is not None:
                chosen.setdefault(place, []).append(run)
        for _, run, new in self._measured(chosen, averages, "best", horizon):
            rows[run] += new
        return rows

    def _measured(
        self,
        wanted: Mapping[int, Sequence[int]],
        averages: Averages,
        inference: str,
        horizon: int,
    ) -> Iterator[tuple[int, int, list[Measurement]]]:
        """(candidate, run, rows) of the runs wanted of each candidate; each width is made once."""
        seed = self._tried.seed if inference == "candidate" else self._given.seed
        names = {place: self._candidates[place].weights for place in wanted}
        for _, places in groupby(sorted(wanted, key=names.__getitem__), key=names.__getitem__):
            parameters = None
            for place in places:
                item = self._candidates[place]
                if parameters is None:
                    parameters = averages(item.setting.ema_width)
                blocks = self._draw(item.setting, parameters, seed)
                labels = self._labels(place, inference) | {"horizon": horizon}
                found = self._rows_of(blocks, wanted[place], inference, labels)
                for run, new in zip(wanted[place], found, strict=True):
                    yield place, run, [*new, *self._costs(new[0], item.cost)]

    def _rows_of(
        self, blocks: Drawn, runs: Sequence[int], inference: str, labels: dict[str, Any]
    ) -> list[list[Measurement]]:
        """What decides of a candidate, and everything of the best."""
        if inference == "candidate":
            return self._decisive(blocks, runs, labels)
        if not self._judged:
            return self._distances(blocks, runs, self._given.metrics, labels, self._given.repeats)
        kept = list(blocks)
        rates = self._judged.rate_rows(
            kept,
            runs,
            self._judged.metrics,
            seed=self._given.seed,
            samples=self._pairs,
            **labels,
        )
        rows = self._distances(kept, runs, self._given.metrics, labels, self._given.repeats)
        return [[*of_run, *judged] for of_run, judged in zip(rows, rates, strict=True)]

    def _decisive(
        self, blocks: Drawn, runs: Sequence[int], labels: dict[str, Any]
    ) -> list[list[Measurement]]:
        by, tried = (self._tried.select_by,), self._tried
        if not self._judged:
            return self._distances(blocks, runs, by, labels)
        return self._judged.rate_rows(
            blocks, runs, by, seed=tried.seed, samples=tried.samples, **labels
        )

    def _distances(
        self,
        blocks: Drawn,
        runs: Sequence[int],
        metrics: Sequence[str],
        labels: dict[str, Any],
        sets: int = 1,
    ) -> list[list[Measurement]]:
        return [
            list(self._samples.distance_rows(features, metrics, sets, **labels))
            for features in self._samples.features(blocks, runs)
        ]

    def _again(self, place: int, fixed: Sequence[Measurement]) -> list[Measurement]:
        """The fixed setting's own rows, where that is the best: they had no part in the choice."""
        labels = self._labels(place, "best")
        rows = [
            replace(row, **labels | {"count": row.count})
            for row in fixed
            if self._judged or not row.metric.startswith(WIN_RATE)
        ]
        return [*rows, *self._costs(rows[0], self._candidates[place].cost)]

    def _costs(self, row: Measurement, evaluations: int) -> list[Measurement]:
        """Beside a distance of the same samples; FLOPs are those of forward passes."""
        of_image = {EVALUATIONS: evaluations, FLOPS: evaluations * self._forward}
        return [
            replace(row, metric=metric, value=float(cost), standard_error=0.0)
            for metric, cost in of_image.items()
        ]

    def _is_fixed(self, place: int) -> bool:
        item, fixed = self._candidates[place], self._given.drawing
        same = item.setting.drawing(fixed, fixed.count, fixed.seed) == fixed
        return same and item.weights == self._samples.weights

    def _labels(self, place: int, inference: str) -> dict[str, Any]:
        item = self._candidates[place]
        tried = inference == "candidate"
        protocol = self._protocols[item.setting.name] if tried else self._chosen
        return {
            "weights": item.weights,
            "count": self._tried.samples if tried else self._given.samples,
            "protocol": protocol_hash(protocol),
            "inference": inference,
            "setting": item.setting.name,
        }
