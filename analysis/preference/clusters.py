"""Intervals of statistics of votes, whose prompts and raters are samples of more of them."""

from collections.abc import Callable

import numpy as np
from scipy import stats

from analysis.preference.outcomes import Array, Indices, Outcomes

ENOUGH_RATERS = 5
"""Fewer are not a sample of raters: the interval then speaks of these raters alone."""
REPLICATES = 1_000


def intervals(
    statistic: Callable[[Array], Array],
    found: Outcomes,
    *,
    confidence: float = 0.95,
    seed: int = 0,
    count: int = REPLICATES,
) -> tuple[Array, Array]:
    """Low and high [k] of `statistic`, which takes weights of votes [b, n] to values [b, k].

    Prompts are drawn anew. Where there are enough raters these are too, apart, and the variances
    add up as those of two crossed clusters, V_prompts + V_raters - V_votes (Cameron, Gelbach &
    Miller 2011, doi 10.1198/jbes.2010.07136), no less than either: drawing both together would
    count the votes' own noise three times (Owen 2007, doi 10.1214/07-AOAS122). Student's t
    with the fewer clusters' degrees of freedom takes their number into account.
    """
    rng = np.random.default_rng(seed)

    def drawn(cluster: Indices, clusters: int) -> Array:
        shares = np.full(clusters, 1 / clusters)
        times = rng.multinomial(clusters, shares, size=count).astype(float)
        values = statistic(times[:, cluster])
        return values[np.isfinite(values).all(axis=1)]

    n, tail = len(found.points), (1 - confidence) / 2
    value = statistic(np.ones((1, n)))[0]
    if found.prompts < 2:
        return np.full_like(value, -np.inf), np.full_like(value, np.inf)
    by_prompt = drawn(found.prompt, found.prompts)
    parts = [(by_prompt.var(axis=0), found.prompts)]
    total = parts[0][0] * _few(found.prompts)
    if found.raters >= ENOUGH_RATERS:
        parts.append((drawn(found.rater, found.raters).var(axis=0), found.raters))
        votes = drawn(np.arange(n), n).var(axis=0)
        least = np.max([variance * _few(k) for variance, k in parts], axis=0)
        total = np.maximum(least, sum(v * _few(k) for v, k in parts) - votes)
    some = np.maximum(parts[0][0], 1e-30)
    wider = np.sqrt(total / some) * stats.t.isf(tail, min(k for _, k in parts) - 1)
    low, high = np.quantile(by_prompt, [tail, 1 - tail], axis=0)
    z = stats.norm.isf(tail)
    return value - wider / z * (value - low), value + wider / z * (high - value)


def _few(clusters: int) -> float:
    """A bootstrap of k clusters has (k - 1) / k of the variance."""
    return clusters / (clusters - 1)
