"""Archives of pictures by setting, and sweeps that have them: no training."""

import json
from pathlib import Path

import numpy as np

from sweeps.collect import collect
from sweeps.store import Store
from tests.preference.sweep import captions, pictures, sweep
from tests.sweeps.examples import BASE, append, row

EVALUATIONS = {
    "steps=2 guidance_scale=1": 2,
    "steps=2 guidance_scale=2": 4,
    "steps=8 guidance_scale=2": 16,
}
NAMES = tuple(EVALUATIONS)
FORWARD = 1000
GRID = (
    "sweep: {grid: {model.rung: [20k, 40k], seed: [0, 1]}, exclude: [{model.rung: 40k, seed: 1}]}"
)
THREE = f"{BASE}{GRID}\n"


def by_setting(path: Path, prompts: int, **changes) -> Path:
    """The pictures of a run under each setting, the last of which are the least noisy."""
    real = pictures(prompts)
    noise = np.random.default_rng(9).integers(-40, 40, (len(NAMES), *real.shape))
    scale = np.linspace(1, 0.2, len(NAMES))[:, None, None, None, None]
    arrays = {
        "images": np.clip(real + noise * scale, 0, 255).astype(np.uint8),
        "settings": np.array(NAMES),
        "protocols": np.array([json.dumps({"weights": "raw", "setting": name}) for name in NAMES]),
        "real": real,
        "captions": np.array(captions(prompts)),
        "ids": np.arange(prompts) * 7 + 3,
        **changes,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)
    return path


def tried(directory: Path, prompts: int = 12) -> Store:
    """Measured runs of two sizes; all but the last keep pictures by setting, too."""
    store = sweep(directory, prompts, THREE)
    for run in store.runs:
        (attempt,) = run.directory.glob("attempts/*")
        append(attempt, row(200, 1.0, metric="importance_weighted_loss"))
        for name, count in EVALUATIONS.items():
            costs = {"network_evaluations": count, "flops": count * FORWARD}
            about = {"inference": "candidate", "setting": name}
            append(
                attempt, *(row(200, v, metric=f"sampling/{k}", **about) for k, v in costs.items())
            )
        if run.id != store.runs[-1].id:
            by_setting(attempt / "samples" / "settings-200.npz", prompts)
    collect(store)
    return store
