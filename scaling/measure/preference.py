"""How often judges prefer a run's images to the real ones of the same captions."""

import json
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import UInt8

from scaling import build
from scaling.config import RunConfig
from scaling.config.distance_metrics import WIN_RATE
from scaling.data.source import Source
from scaling.measure.distances.estimate import Estimate
from scaling.measure.draws import captions
from scaling.measure.judges.eye import Eye, shipped
from scaling.measure.judges.judge import Judge, Judged, Side, points, win_rate
from scaling.measure.judges.named import judge_of
from scaling.measure.pairs import Held, Keeper, colour, control_of, held
from scaling.measure.rows import Measurement, protocol_hash
from scaling.measure.sample_metrics import labelled
from scaling.measure.sample_protocols import REAL, drawn_protocol, shared_protocol
from scaling.measure.samples import IMAGES_AT_ONCE, make_block_sampler

CONTROLS = {
    "training": "training images in the samples' place",
    "held_out": "held-out images against others, each judged with its own caption",
}
INTERVAL = "Wilson's, as much wider as swaps within pairs spread a learnt judge's rate"
NOTHING = Estimate(value=np.nan, low=np.nan, high=np.nan)
"""Of a run whose images are not finite."""
VALUE = "wins and half the ties over pairs; a proxy for people, not people"


class Found(NamedTuple):
    """Of one run: rows, and what is kept for people to judge; None where images are not finite."""

    rows: list[Measurement]
    archive: dict[str, Any] | None


class PreferenceMeter:
    """Measures cohorts of one program: `found(parameters, keeper, horizon)`, and `control_rows`."""

    def __init__(
        self,
        config: RunConfig,
        source: Source,
        mesh: Mesh | None = None,
        *,
        images_at_once: int = IMAGES_AT_ONCE,
    ):
        settings = config.measure.preference
        self._config, self._source, self._settings = config, source, settings
        self.weights = build.best_weights(config)
        self._judges: list[Judge] = []
        self._protocols: dict[tuple[str, str], dict[str, Any]] = {}
        if not settings.samples:
            return
        drawing = settings.drawing(config.measure.distances)
        self._real = held(config, source.held_out(settings.samples, drawing.seed))
        self._eye = Eye(shipped())
        self._judges = [judge_of(asked, self._eye, config, source) for asked in settings.judges]
        common = shared_protocol(source.content_hash, self._real.side.images)
        self._drawn = drawn_protocol(common, config, drawing, self.weights)
        for judge in self._judges:
            about = {"judge": self.about[judge.name], "value": VALUE, "interval": INTERVAL}
            self._protocols[judge.name, self.weights] = self._drawn | about
            stands = {"images": CONTROLS[judge.control], "seed": drawing.seed}
            self._protocols[judge.name, REAL] = common | about | stands
        self._sampler = None
        given = config.measure.distances
        self._shared = settings.shares(given)
        if not self._shared or (settings.horizons == "all" and given.horizons != "all"):
            tokens = captions(source, settings.samples, drawing.seed)
            self._sampler = make_block_sampler(
                config, drawing, tokens, mesh=mesh, images_at_once=images_at_once
            )

    def protocols(self) -> dict[str, dict[str, Any]]:
        """Every protocol in use, by its hash."""
        return {protocol_hash(protocol): protocol for protocol in self._protocols.values()}

    @property
    def metrics(self) -> tuple[str, ...]:
        """What its rates are called."""
        return tuple(map(metric_of, self._judges))

    @property
    def about(self) -> dict[str, dict[str, Any]]:
        """How each judge judges, by its name."""
        return {judge.name: judge.about | {"sha256": judge.sha256} for judge in self._judges}

    def due(self, *, last: bool) -> bool:
        """Whether pairs are judged at this horizon."""
        return bool(self._settings.samples) and (last or self._settings.horizons == "all")

    def keeper(self) -> Keeper:
        """What keeps the images of measure.distances as they are drawn."""
        return Keeper(self._settings.samples)

    def found(self, parameters: Any, keeper: Keeper, horizon: int) -> list[Found]:
        """For each run of the cohort, of parameters with a run axis.

        `keeper` has seen the images of measure.distances, where some were drawn.
        """
        if self._sampler is not None and not (self._shared and keeper.blocks):
            keeper = self.keeper()
            for _ in keeper(self._sampler(parameters)):
                pass
        images, whole = keeper.images()
        runs = len(jax.tree.leaves(parameters)[0])
        return [self._of_run(colour(images[run]), bool(whole[run]), horizon) for run in range(runs)]

    def rate_rows(
        self,
        blocks: Iterable[Any],
        runs: Collection[int],
        metrics: Collection[str],
        *,
        seed: int,
        samples: int,
        **labels: Any,
    ) -> list[list[Measurement]]:
        """Rates of images drawn for the captions of `seed`, for each of `runs`."""
        real = held(self._config, self._source.held_out(samples, seed))
        keeper = Keeper(len(real.ids))
        for _ in keeper(blocks):
            pass
        images, whole = keeper.images()
        wanted = [judge for judge in self._judges if metric_of(judge) in metrics]
        found = []
        for run in runs:
            judged = self._judged(colour(images[run]), real, wanted) if whole[run] else {}
            rates = {metric_of(j): win_rate(judged[j.name]) if judged else NOTHING for j in wanted}
            found.append(list(labelled(rates, **labels | {"count": len(real.ids)})))
        return found

    def _judged(
        self, images: UInt8[np.ndarray, "n h w 3"], real: Held, judges: Iterable[Judge]
    ) -> dict[str, Judged]:
        self._eye.fixed(real.side.images)
        drawn = Side(images=images, captions=real.side.captions)
        return {judge.name: judge.compare(drawn, real.side, real.ids) for judge in judges}

    def _of_run(self, images: UInt8[np.ndarray, "n h w 3"], whole: bool, horizon: int) -> Found:
        judged = self._judged(images, self._real, self._judges) if whole else {}
        rates = [win_rate(item) for item in judged.values()] or [NOTHING] * len(self._judges)
        rows = [
            row
            for judge, rate in zip(self._judges, rates, strict=True)
            for row in self._row(judge, rate, self.weights, len(images), horizon)
        ]
        return Found(rows, self._archive(images, judged) if whole else None)

    def _archive(
        self, images: UInt8[np.ndarray, "n h w 3"], judged: dict[str, Judged]
    ) -> dict[str, Any]:
        verdicts = {f"points_{k}": points(v.generated, v.real) for k, v in judged.items()}
        return verdicts | {
            "images": images,
            "real": self._real.side.images,
            "captions": list(self._real.side.captions),
            "ids": self._real.ids,
            "protocol": json.dumps(self._drawn, sort_keys=True),
        }

    def control_rows(self, horizon: int) -> Iterator[Measurement]:
        """Real images in the generated ones' place: the truth is one half."""
        for judge, (rate, count) in zip(self._judges, self._controls, strict=True):
            yield from self._row(judge, rate, REAL, count, horizon)

    @cached_property
    def _controls(self) -> list[tuple[Estimate, int]]:
        found = []
        for judge in self._judges:
            stands, real = control_of(judge, self._config, self._source)
            for side in (stands.side, real.side):
                self._eye.fixed(side.images)
            judged = judge.compare(stands.side, real.side, real.ids)
            found.append((win_rate(judged), len(real.ids)))
        return found

    def _row(
        self, judge: Judge, rate: Estimate, weights: str, count: int, horizon: int
    ) -> Iterator[Measurement]:
        protocol = protocol_hash(self._protocols[judge.name, weights])
        labels = {"horizon": horizon, "weights": weights, "count": count, "protocol": protocol}
        return labelled({metric_of(judge): rate}, **labels)


def metric_of(judge: Judge) -> str:
    """What its rate is called."""
    return f"{WIN_RATE}{judge.name}"
