"""The settings of inference that are tried, and which is best."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scaling import build
from scaling.config import RunConfig, SampleConfig
from scaling.config.distance_metrics import rises
from scaling.config.inference import Setting
from scaling.measure.drawing import network_evaluations


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A setting, the name of the weights it samples, and network evaluations an image."""

    setting: Setting
    weights: str
    drawing: SampleConfig
    cost: int


def best(values: Sequence[float], costs: Sequence[int], metric: str) -> int | None:
    """Place of the best value that is a number, of equal ones the cheapest; None if there is none.

    Least, or for what grows with quality greatest.
    """
    sign = -1.0 if rises(metric) else 1.0
    ranked = [
        (sign * value, cost, place)
        for place, (value, cost) in enumerate(zip(values, costs, strict=True))
        if np.isfinite(value)
    ]
    return min(ranked)[-1] if ranked else None


def candidate(config: RunConfig, setting: Setting) -> Candidate:
    """Of a run's configuration, as it is drawn to choose by."""
    given, width = config.measure.distances, setting.ema_width
    drawing = setting.drawing(given.drawing, given.inference.samples, given.inference.seed)
    return Candidate(
        setting=setting,
        weights=build.best_weights(config) if width is None else build.ema_name(width),
        drawing=drawing,
        cost=network_evaluations(drawing),
    )
