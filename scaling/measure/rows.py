"""Measurements: one row per run, horizon, weights and metric."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One number with its standard error and the hash of the protocol it was measured by.

    `inference` is empty for what the manifest fixes, "candidate" for one of the settings that are
    tried and "best" for the one chosen, which `setting` names.
    """

    horizon: int
    weights: str
    split: str
    metric: str
    log_snr: float | None
    value: float
    standard_error: float | None
    count: int
    protocol: str
    inference: str = ""
    setting: str = ""

    def to_json(self) -> str:
        """One line of measurements.jsonl; numbers keep every digit."""
        told = asdict(self)
        return json.dumps({k: v for k, v in told.items() if v != "" or k not in UNLESS_EMPTY})


UNLESS_EMPTY = ("inference", "setting")
"""Fields that a line has only where they say something."""


def protocol_hash(protocol: dict[str, Any]) -> str:
    """Eight hex digits, equal where two values may be compared."""
    text = json.dumps(protocol, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def mean_and_error(values: Float[np.ndarray, "n *s"]) -> tuple[np.ndarray, np.ndarray]:
    """Mean over examples and its standard error, in float64."""
    values = np.asarray(values, np.float64)
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    return np.asarray(values.mean(axis=0)), np.asarray(error)


def level_rows(
    losses: Float[np.ndarray, "n k"],
    log_snr: Float[np.ndarray, " k"],
    **labels: Any,
) -> Iterator[Measurement]:
    """The mean over examples at each noise level."""
    for level, value, error in zip(log_snr, *mean_and_error(losses), strict=True):
        yield Measurement(
            log_snr=float(level),
            value=float(value),
            standard_error=float(error),
            count=len(losses),
            **labels,
        )


def weighted_row(
    losses: Float[np.ndarray, "n k"], coefficients: Float[np.ndarray, " k"], **labels: Any
) -> Measurement:
    """The weighted mean over levels; its error is that of the examples' own weighted means."""
    value, error = mean_and_error(np.asarray(losses, np.float64) @ coefficients)
    return Measurement(
        log_snr=None, value=float(value), standard_error=float(error), count=len(losses), **labels
    )
