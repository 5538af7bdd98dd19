"""A sweep whose runs are finished, with pictures to compare: no training."""

import json
from pathlib import Path

import numpy as np

from sweeps.store import Store
from sweeps.store.claims import server_clock, take
from sweeps.store.states import end, settle
from tests.sweeps.examples import BASE, make_store

THREE = BASE + "sweep: {grid: {model.rung: [20k, 40k, 70k]}}\n"
PROTOCOL = json.dumps({"sampler": "ddim", "steps": 8})


def pictures(count: int, size: int = 16, seed: int = 0) -> np.ndarray:
    """Discs of random places and colours on white, [count, size, size, 3]."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    drawn = np.full((count, size, size, 3), 255, np.uint8)
    for image in drawn:
        cy, cx, r = rng.uniform(0.3, 0.7, 3) * size * (1, 1, 0.7)
        image[(y - cy) ** 2 + (x - cx) ** 2 < r**2] = rng.integers(0, 200, 3)
    return drawn


def captions(count: int) -> list[str]:
    """Two styles of each thing."""
    return [f"thing {i // 2}, {('noto', 'twemoji')[i % 2]} emoji" for i in range(count)]


def archive(path: Path, prompts: int, run: int, size: int = 16, **changes) -> Path:
    """The pictures of a run, which get worse as `run` falls."""
    real = pictures(prompts, size)
    noise = np.random.default_rng(run + 1).integers(-40, 40, real.shape)
    arrays = {
        "images": np.clip(real + noise, 0, 255).astype(np.uint8),
        "real": real,
        "captions": np.array(captions(prompts)),
        "ids": np.arange(prompts) * 7 + 3,
        "protocol": PROTOCOL,
        **changes,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)
    return path


def sweep(directory: Path, prompts: int = 12, text: str = THREE, size: int = 16) -> Store:
    """Finished runs, each with an archive of so many prompts."""
    store = make_store(directory, text)
    for k, run in enumerate(store.runs):
        claim = take(run.directory, lambda: server_clock(store.directory))
        archive(claim.attempt / "samples" / "preference-200.npz", prompts, k, size)
        end(claim, "finished", step=200, seconds={"train": 1.0})
        settle(run.directory)
    return store
