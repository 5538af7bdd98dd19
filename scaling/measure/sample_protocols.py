"""What makes distances of samples comparable: all that decides them but the weights' own values."""

from dataclasses import asdict
from typing import Any

import numpy as np
from jaxtyping import UInt8

from scaling import build
from scaling.config import RunConfig
from scaling.measure.features import protocol
from scaling.measure.features.network import Network
from scaling.measure.kept_features import sha256

REAL = "real"
"""What rows of the control have for weights."""


def sample_protocols(
    config: RunConfig,
    content_hash: str,
    network: Network,
    references: UInt8[np.ndarray, "n h w c"],
    training: UInt8[np.ndarray, "m h w c"],
) -> dict[str, dict[str, Any]]:
    """Of the rows of the weights that are sampled, and of those of the control, by weights."""
    settings, diffusion = config.measure.distances, config.diffusion
    weights = build.best_weights(config)
    common = {
        "data": content_hash,
        "split": "held_out",
        "references": len(references),
        "references_sha256": sha256(references),
        "features": asdict(protocol.of(network)),
        "pixels": "round((x + 1) * 127.5), clipped",
    }
    drawn = settings.drawing.model_dump(mode="json", exclude={"captions", "count"})
    distances = "float32 features, float64 distances"
    return {
        weights: common
        | {
            "images": "samples",
            "count": settings.samples,
            "captions": "held_out",
            "weights": weights,
            "sampling": drawn | {"log_snr": [diffusion.log_snr_min, diffusion.log_snr_max]},
            "precision": f"{config.train.precision} samples, {distances}",
        },
        REAL: common
        | {
            "images": "training",
            "count": len(training),
            "seed": settings.seed,
            "precision": distances,
        },
    }
