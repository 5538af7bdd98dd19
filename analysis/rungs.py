"""What each rung measured at the last horizon: its loss, its fall, its generalisation gap."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import hypot, nan, sqrt

import numpy as np
import pandas as pd

from analysis.gaps import Gap, gaps_of
from analysis.laws.suited import is_rate
from analysis.selection import Selection, companion
from analysis.table import Table
from analysis.tuning import How, Tuning

LIKELIHOODS = ("ode_bits_per_dimension", "bound_bits_per_dimension")
"""Negative log-likelihoods, the exact one first."""


@dataclass(frozen=True, kw_only=True)
class Mean:
    """A mean over seeds and its standard error, from the relative spread pooled over rungs.

    Held-out examples and noise are shared by all runs, so their error is left out: it cancels in
    comparisons between rungs.
    """

    value: float
    standard_error: float


@dataclass(frozen=True, kw_only=True)
class RungSummary:
    """One rung at the last horizon. `fall` is the previous rung's loss minus this one's.

    `falls`: by more than its standard error; of a rate whether it rises by more.

    `bits` are the negative log-likelihood in bits per dimension, where it was measured. `tuned`
    says how the learning rate was chosen (`analysis.tuning.Tuning`), `tuned_why` in words.
    """

    rung: str
    size: float
    runs: int
    loss: Mean
    seed_deviation: float
    fall: Mean | None
    falls: bool | None
    uniform: Mean | None
    gap: Gap | None
    excess: Mean | None
    bits: Mean | None
    tuned: How
    tuned_why: str


def summarise(
    table: Table, selection: Selection, tunings: Mapping[str, Tuning]
) -> tuple[RungSummary, ...]:
    """A RungSummary per rung, smallest first, at the last horizon shared by all runs."""
    steps = selection.horizons[-1] if selection.horizons else None
    better = -1 if is_rate(selection.metric) else 1
    losses = _by_rung(selection.points, selection.rungs, steps)
    means = _means(losses)
    uniform = _other(table, selection, "uniform_loss", steps)
    excess = _other(table, selection, "excess_loss", steps)
    bits = next(filter(None, (_other(table, selection, m, steps) for m in LIKELIHOODS)), None)
    gaps = gaps_of(table, selection, [mean.value for mean in means], steps)
    sizes = selection.points.groupby("rung")["size"].first()
    summaries = []
    for i, rung in enumerate(selection.rungs):
        fall = None
        if i:
            before, here = means[i - 1], means[i]
            error = hypot(before.standard_error, here.standard_error)
            fall = Mean(value=before.value - here.value, standard_error=error)
        seeds = losses[i]
        summaries.append(
            RungSummary(
                rung=rung,
                size=float(sizes[rung]),
                runs=len(seeds),
                loss=means[i],
                seed_deviation=float(np.std(seeds, ddof=1)) if len(seeds) > 1 else nan,
                fall=fall,
                falls=None if fall is None else _exceeds(fall, better),
                uniform=uniform[i] if uniform else None,
                gap=gaps[i] if gaps else None,
                excess=excess[i] if excess else None,
                bits=bits[i] if bits else None,
                tuned=tunings[rung].how,
                tuned_why=tunings[rung].why,
            )
        )
    return tuple(summaries)


def _exceeds(fall: Mean, better: int) -> bool | None:
    return None if np.isnan(fall.standard_error) else better * fall.value > fall.standard_error


def _by_rung(points: pd.DataFrame, rungs: Sequence[str], steps: float | None):
    rows = points if steps is None else points[points["steps"] == steps]
    return [rows.loc[rows["rung"] == rung, "value"].to_numpy(float) for rung in rungs]


def _means(groups: Sequence[np.ndarray]) -> list[Mean]:
    """Means over seeds; their errors from the relative spread pooled over rungs.

    Two seeds give a rung's own spread one degree of freedom; pooling steadies it. Where a mean is
    0, as a rate's may be, the spread itself is pooled.
    """
    values = [float(group.mean()) if len(group) else nan for group in groups]
    scales = [1.0] * len(values) if 0 in values else [abs(value) for value in values]
    scaled = [(g - g.mean()) / by for g, by in zip(groups, scales, strict=True) if len(g) > 1]
    freedom = sum(len(group) - 1 for group in scaled)
    pooled = sqrt(sum((group**2).sum() for group in scaled) / freedom) if freedom else nan
    return [
        Mean(value=value, standard_error=by * pooled / sqrt(len(group)) if len(group) else nan)
        for group, value, by in zip(groups, values, scales, strict=True)
    ]


def _other(table: Table, selection: Selection, metric: str, steps: float | None):
    rows = companion(table, selection, metric)
    if rows.empty:
        return None
    if rows["log_snr"].isna().any():
        rows = rows[rows["log_snr"].isna()]
    else:  # a curve over noise levels: its mean
        rows = rows.groupby(["run", "rung", "steps"])["value"].mean().reset_index()
    return _means(_by_rung(rows, selection.rungs, steps))
