"""What makes distances of samples comparable: all that decides them but the weights' own values."""

from dataclasses import asdict
from typing import Any

import numpy as np
from jaxtyping import UInt8

from scaling.config import RunConfig, SampleConfig
from scaling.config.distance_metrics import rises
from scaling.config.distances import DistanceConfig
from scaling.measure.distances.frechet import PRECISION
from scaling.measure.features import protocol
from scaling.measure.features.network import Network
from scaling.measure.kept_features import sha256

REAL = "real"
"""What rows of the control have for weights."""


DISTANCES = f"float32 features; {PRECISION}; rows shared out by what they hold"


def common_protocol(
    content_hash: str,
    network: Network,
    references: UInt8[np.ndarray, "n h w c"],
) -> dict[str, Any]:
    """What all have in common, control and samples."""
    return shared_protocol(content_hash, references) | {"features": asdict(protocol.of(network))}


def shared_protocol(content_hash: str, references: UInt8[np.ndarray, "n h w c"]) -> dict[str, Any]:
    """The same of images that nothing has looked at yet."""
    return {
        "data": content_hash,
        "split": "held_out",
        "references": len(references),
        "references_sha256": sha256(references),
        "pixels": "round((x + 1) * 127.5), clipped",
    }


def repeated(settings: DistanceConfig) -> dict[str, Any]:
    """What a mean over several sets has beside what one set has: nothing where there is one."""
    return {"repeats": settings.repeats} if settings.repeats > 1 else {}


def control_protocol(common: dict[str, Any], count: int, seed: int) -> dict[str, Any]:
    """Of training images in the samples' place."""
    of_control = {"images": "training", "count": count, "seed": seed, "precision": DISTANCES}
    return common | of_control


def drawn_protocol(
    common: dict[str, Any], config: RunConfig, drawing: SampleConfig, weights: str
) -> dict[str, Any]:
    """Of samples drawn as `drawing` says, by the averages called `weights`."""
    low, high = config.diffusion.log_snr_min, config.diffusion.log_snr_max
    drawn = drawing.model_dump(mode="json", exclude={"captions", "count"})
    return common | {
        "images": "samples",
        "count": drawing.count,
        "captions": "held_out",
        "weights": weights,
        "sampling": drawn | {"log_snr": [low, high]},
        "precision": f"{config.train.precision} samples, {DISTANCES}",
    }


def chosen_protocol(
    common: dict[str, Any], config: RunConfig, candidates: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """Of the best setting, whichever that is: `candidates` are the protocols chosen among, by name.

    The same for all runs, so that laws may be fitted to each run's best.
    """
    settings = config.measure.distances
    tried = settings.inference
    differing = ("weights", "sampling")
    return common | {
        "images": "samples",
        "count": settings.samples,
        **repeated(settings),
        "captions": "held_out",
        "seed": settings.seed,
        "inference": {
            "chosen": f"{'greatest' if rises(tried.select_by) else 'least'} {tried.select_by}",
            "samples": tried.samples,
            "seed": tried.seed,
            "measured_on": "other samples than those it is chosen by; the same references",
            "candidates": {
                name: {key: told[key] for key in differing} for name, told in candidates.items()
            },
        },
        "precision": f"{config.train.precision} samples, {DISTANCES}",
    }
