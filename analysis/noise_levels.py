"""The loss at every noise level, the primary datum."""

from dataclasses import dataclass

import numpy as np

from analysis.selection import Selection, companion
from analysis.table import Table


@dataclass(frozen=True, kw_only=True)
class NoiseCurve:
    """The loss of one rung over noise levels, mean and band over seeds; lists of one length."""

    rung: str
    log_snr: tuple[float, ...]
    loss: tuple[float, ...]
    standard_error: tuple[float, ...]


def noise_curves(
    table: Table, selection: Selection, metric: str = "loss"
) -> tuple[NoiseCurve, ...]:
    """The per-noise-level metric at the last horizon, one curve a rung.

    The error joins that over seeds with the smallest that the examples leave in any one run.
    """
    rows = companion(table, selection, metric)
    if rows.empty or not selection.horizons:
        return ()
    rows = rows[(rows["steps"] == selection.horizons[-1]) & rows["log_snr"].notna()]
    curves = []
    for rung in selection.rungs:
        level = rows[rows["rung"] == rung].groupby("log_snr")
        if not len(level):
            continue
        seeds = level["value"].std().fillna(0) / np.sqrt(level["value"].count())
        examples = level["standard_error"].mean().fillna(0)
        curves.append(
            NoiseCurve(
                rung=rung,
                log_snr=tuple(map(float, seeds.index)),
                loss=tuple(map(float, level["value"].mean())),
                standard_error=tuple(map(float, np.hypot(seeds, examples))),
            )
        )
    return tuple(curves)
