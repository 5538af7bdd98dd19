"""Small manifests, and a stand-in for training that needs no jax."""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

from sweeps.manifest import loads
from sweeps.store import Store
from sweeps.store.prepare import prepare

BASE = """\
data: {source: digits}
model: {rung: 20k, patch_size: 2}
train: {steps: 200, batch_size: 8}
"""

SIX = (
    BASE
    + """\
sweep:
  grid:
    model.rung: [20k, 40k, 70k]
    seed: [0, 1]
"""
)

WORKER = (sys.executable, "-m", "tests.sweeps.fake_worker")


@dataclass(frozen=True)
class Told:
    """As scaling.run.Progress."""

    phase: str
    step: int
    steps: int
    loss: float | None = None


@dataclass(frozen=True)
class Ending:
    """As scaling.run.Outcome."""

    status: str = "finished"
    step: int = 60
    reason: str | None = None
    seconds: dict = field(default_factory=lambda: {"train": 1.5, "measure": 0.5})
    trained_steps: int = 60


def make_store(directory: Path, text: str = SIX, silence: float = 240.0, **options) -> Store:
    store, _ = prepare(loads(text), directory, workers=options.pop("workers", 2), **options)
    return Store.open(store.directory, silence=silence)


def row(horizon: int, value: float, **other) -> dict:
    return {
        "horizon": horizon,
        "weights": "raw",
        "split": "held_out",
        "metric": "loss",
        "log_snr": None,
        "value": value,
        "standard_error": 0.01,
        "count": 8,
        "protocol": "0123abcd",
        **other,
    }


def append(attempt: Path, *rows: dict) -> None:
    with (attempt / "measurements.jsonl").open("a") as file:
        file.writelines(json.dumps(r) + "\n" for r in rows)
