"""Sweeps made from a known joint law, in the layout of a sweep's directory."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd

TRUTH = {"E": 0.30, "A": 8.0, "alpha": 0.35, "B": 4.0, "beta": 0.6}
PROTOCOL = "1a2b3c4d"
LOG_SNR = np.linspace(-9, 9, 13)


def law(size, steps):
    """The joint law that every synthetic sweep obeys."""
    return TRUTH["E"] + TRUTH["A"] * size ** -TRUTH["alpha"] + TRUTH["B"] * steps ** -TRUTH["beta"]


def write_sweep(
    directory: Path,
    *,
    rungs=6,
    seeds=2,
    noise=0.002,
    largest=1e6,
    swept=None,
    protocols=(PROTOCOL,),
    excess=False,
    memorising=0.0,
    diverged=(),
    seed=0,
) -> Path:
    """Write measurements.parquet, runs.csv, protocols.json and samples; returns the directory."""
    rng = np.random.default_rng(seed)
    horizons = np.unique(np.geomspace(100, 4000, 6).round().astype(int))
    sizes = np.geomspace(1e4, largest, rungs).round().astype(int)
    (directory / "samples").mkdir(parents=True, exist_ok=True)
    rows, runs = [], []
    for values in swept or [{}]:
        for i, size in enumerate(sizes):
            for s in range(seeds):
                run = hashlib.sha256(f"{values} {i} {s}".encode()).hexdigest()[:12]
                status = "diverged" if (i, s) in diverged else "finished"
                shift = rng.normal() * noise
                common = {
                    **values,
                    "run": run,
                    "rung": f"w{i + 1}",
                    "seed": s,
                    "parameters": int(size * 1.2),
                    "parameters_non_embedding": int(size),
                    "status": status,
                }
                sample = _samples(directory, run, s, i / rungs) if s == 0 else ""
                runs.append(
                    {
                        **common,
                        "flops": 6 * size * 4000 * 64 * 16,
                        "steps": 4000,
                        "images": 4000 * 64,
                        "reason": "loss is not finite at step 700" if status == "diverged" else "",
                        "step": 700 if status == "diverged" else 4000,
                        "seconds": float(10 + i * 5),
                        "samples": sample,
                    }
                )
                for h in horizons:
                    if status == "diverged" and h > 700:
                        continue
                    value = law(size, h) * np.exp(shift + rng.normal() * noise / 3)
                    rows += [
                        {**common, **row, "steps": int(h), "images": int(h) * 64}
                        for row in _measurements(
                            value, protocols[s % len(protocols)], excess, memorising * i
                        )
                    ]
    frame = pd.DataFrame(rows)
    frame["flops"] = 6.0 * frame["parameters_non_embedding"] * frame["images"] * 16
    frame.to_parquet(directory / "measurements.parquet")
    pd.DataFrame(runs).to_csv(directory / "runs.csv", index=False)
    described = {
        name: {"examples": 256 + i, "sampler": {"steps": 50}, "error": "v"}
        for i, name in enumerate(protocols)
    }
    (directory / "protocols.json").write_text(json.dumps(described))
    return directory


def _measurements(value, protocol, excess, gap):
    base = {
        "weights": "ema_0.1",
        "split": "held_out",
        "log_snr": np.nan,
        "count": 256,
        "protocol": protocol,
        "standard_error": 0.004 * value,
    }
    yield {**base, "metric": "importance_weighted_loss", "value": value}
    yield {**base, "metric": "importance_weighted_loss", "value": value * 1.02, "weights": "raw"}
    yield {**base, "metric": "uniform_loss", "value": value * 0.8}
    train = value * (0.99 - gap)
    yield {**base, "metric": "importance_weighted_loss", "value": train, "split": "train"}
    for node in LOG_SNR:
        loss = value * (0.2 + np.exp(-(node**2) / 20))
        yield {**base, "metric": "loss", "log_snr": node, "value": loss}
        if excess:
            yield {**base, "metric": "excess_loss", "log_snr": node, "value": loss - 0.1}


def _samples(directory, run, seed, quality):
    rng = np.random.default_rng(7)
    y, x = np.mgrid[:16, :16] / 15
    colours = rng.uniform(0, 1, (4, 1, 1, 3))
    clean = 255 * (1 - colours * np.hypot(x - 0.5, y - 0.5)[None, ..., None].clip(0, 0.5) * 2)
    images = quality * clean + (1 - quality) * rng.uniform(0, 255, clean.shape)
    path = directory / "samples" / f"{run}.npz"
    np.savez(
        path,
        images=images.astype(np.uint8),
        captions=np.array(["red apple", "a smiling face <3", "house & garden", "cat"]),
        weights="ema_0.1",
        steps=50,
        guidance_scale=2.0,
        seed=seed,
    )
    return str(path.relative_to(directory))
