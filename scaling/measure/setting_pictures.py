"""Pictures of each run under every setting of inference, kept for people to choose by."""

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any

import numpy as np
from jaxtyping import Bool, UInt8

from scaling.config import RunConfig
from scaling.config.inference import Setting
from scaling.data.source import Source
from scaling.measure.candidates import Candidate, candidate
from scaling.measure.inference import Averages
from scaling.measure.pairs import Keeper, colour, held
from scaling.measure.sample_protocols import drawn_protocol, shared_protocol

type Blocks = Iterable[Any]
"""Of images [runs, b, h, w, c]."""

type Drawn = tuple[UInt8[np.ndarray, "runs n h w c"], Bool[np.ndarray, " runs"]]
"""As a Keeper gives them: images, and whether a run's are finite."""


class SettingPictures:
    """Draws for the first captions of measure.preference, from the noise that all runs share.

    Of the setting that measure.distances fixes they are the pictures that people see anyway. `draw`
    (a `Draws`) is not asked for anything before the first `archives`.
    """

    def __init__(
        self,
        config: RunConfig,
        source: Source,
        draw: Callable[[Setting, Any, int, int], Blocks],
    ):
        given = config.measure.distances
        self._config, self._source, self._draw = config, source, draw
        self._count, self._seed = given.inference.keep, given.seed
        settings = given.inference.settings if self._count else ()
        self._candidates = [candidate(config, setting) for setting in settings]

    def due(self, *, last: bool) -> bool:
        """Whether pictures are kept at this horizon."""
        return last and bool(self._candidates)

    def archives(
        self, averages: Averages, told: Callable[[Blocks], Blocks] = iter
    ) -> list[dict[str, Any] | None]:
        """For each run of a cohort what is kept; `told` hands on blocks of images as they come.

        A setting whose images are not finite is left out; None where all are.
        """
        drawn = dict(self._drawn(averages, told))
        runs = len(next(iter(drawn.values()))[0])
        return [self._archive(_whole(drawn, run)) for run in range(runs)]

    def _drawn(
        self, averages: Averages, told: Callable[[Blocks], Blocks]
    ) -> Iterator[tuple[str, Drawn]]:
        """By setting the images of all runs, and whether they are finite; each width made once."""
        by_weights = sorted(self._candidates, key=_weights)
        for _, group in groupby(by_weights, key=_weights):
            parameters = None
            for item in group:
                if parameters is None:
                    parameters = averages(item.setting.ema_width)
                keeper = Keeper(self._count)
                blocks = self._draw(item.setting, parameters, self._seed, self._count)
                for _ in keeper(told(blocks)):
                    pass
                yield item.setting.name, keeper.images()

    def _archive(self, drawn: dict[str, UInt8[np.ndarray, "n h w 3"]]) -> dict[str, Any] | None:
        if not drawn:
            return None
        real = held(self._config, self._source.held_out(self._count, self._seed))
        common = shared_protocol(self._source.content_hash, real.side.images)
        kept = [item for item in self._candidates if item.setting.name in drawn]
        protocols = [self._protocol(item, common) for item in kept]
        return {
            "images": np.stack([drawn[item.setting.name] for item in kept]),
            "settings": [item.setting.name for item in kept],
            "protocols": [json.dumps(protocol, sort_keys=True) for protocol in protocols],
            "real": real.side.images,
            "captions": list(real.side.captions),
            "ids": real.ids,
        }

    def _protocol(self, item: Candidate, common: dict[str, Any]) -> dict[str, Any]:
        fixed = self._config.measure.distances.drawing
        drawing = item.setting.drawing(fixed, self._count, self._seed)
        return drawn_protocol(common, self._config, drawing, item.weights)


def _whole(drawn: dict[str, Drawn], run: int) -> dict[str, UInt8[np.ndarray, "n h w 3"]]:
    """The images of one run, by setting, where they are finite."""
    return {name: colour(images[run]) for name, (images, whole) in drawn.items() if whole[run]}


def _weights(item: Candidate) -> str:
    return item.weights
