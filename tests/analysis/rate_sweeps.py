"""Sweeps of learning rates whose optimum is known at every width."""

import numpy as np
import pandas as pd

from analysis.table import Table, from_frame

WIDTHS = (32, 64, 128, 256)
RATES = tuple(1e-3 * 2.0**k for k in range(6))
MOVES, FLAT = "train.transfer none", "train.transfer mup"


def optimum(width: float, moves: bool) -> float:
    """Falls as 1 / width from 2.2e-2 at width 32, or stays at 5e-3."""
    return 2.2e-2 * 32 / width if moves else 5e-3


def loss(width: float, rate: float, best: float) -> float:
    """A parabola in log rate above a power law in width."""
    return (0.5 + 2 * width**-0.5) * (1 + 0.02 * np.log(rate / best) ** 2)


def rate_table(
    *, rules=(True, False), rates=RATES, seeds=1, noise=0.0, diverged=(), seed=0
) -> Table:
    """A sweep's table; `diverged` runs, (moves, width, rate), have no measurement at all."""
    rng = np.random.default_rng(seed)
    rows, runs = [], []
    for moves in rules:
        for width in WIDTHS:
            for rate in rates:
                for s in range(seeds):
                    lost = (moves, width, rate) in diverged
                    about = {
                        "run": f"{'none' if moves else 'mup'}-{width}-{rate:g}-{s}",
                        "rung": f"n={width}",
                        "seed": s,
                        "width": width,
                        "depth": 2,
                        "learning_rate": rate,
                        "transfer": "none" if moves else "mup (base_width 32)",
                        "parameters": 24 * width**2,
                        "parameters_non_embedding": 20 * width**2,
                        "train.transfer": "none" if moves else "mup (base_width 32)",
                    }
                    status = "diverged" if lost else "finished"
                    reason = "loss is not finite at step 9" if lost else ""
                    runs.append({**about, "status": status, "reason": reason, "samples": ""})
                    value = loss(width, rate, optimum(width, moves))
                    rows += [
                        {
                            **about,
                            "status": status,
                            "weights": "raw",
                            "split": "held_out",
                            "metric": "importance_weighted_loss",
                            "log_snr": np.nan,
                            "value": value * factor * np.exp(noise * rng.normal()),
                            "standard_error": 0.01,
                            "count": 64,
                            "protocol": "0a0b0c0d",
                            "steps": steps,
                        }
                        for steps, factor in ((150, 1.3), (300, 1.0))
                        if not lost
                    ]
    table = from_frame(pd.DataFrame(rows))
    return Table(frame=table.frame, source="sweep", digest="0", runs=pd.DataFrame(runs))


def without_rates(table: Table, rate: float) -> Table:
    """The runs of one rate alone, as a sweep that did not vary it."""
    kept = table.frame["learning_rate"] == rate
    return Table(
        frame=table.frame[kept].reset_index(drop=True),
        source="plain",
        digest="1",
        runs=table.runs[table.runs["learning_rate"] == rate],
    )
