"""How many votes give which interval, before anybody is asked."""

from math import ceil, sqrt

import numpy as np
from scipy import stats


def votes_for(
    half_width: float,
    *,
    rate: float = 0.4,
    tie_rate: float = 0.0,
    votes_per_prompt: float = 1.0,
    correlation: float = 0.0,
    confidence: float = 0.95,
) -> int:
    """Votes on one run for an interval of rate ± half_width.

    n = z² var / half_width² times the design effect 1 + (m - 1) ρ of m votes a prompt whose points
    correlate by ρ (Kish 1965, Survey Sampling). A vote's variance is r (1 - r) - t / 4 with a share
    t of ties. ValueError for numbers that cannot be.
    """
    if not 0 < half_width < 0.5:
        raise ValueError(f"half_width must lie in (0, 0.5), not {half_width}")
    variance = vote_variance(rate, tie_rate) * design_effect(votes_per_prompt, correlation)
    z = float(stats.norm.isf((1 - confidence) / 2))
    return ceil(z**2 * variance / half_width**2)


def half_width(
    votes: int,
    *,
    rate: float = 0.4,
    tie_rate: float = 0.0,
    votes_per_prompt: float = 1.0,
    correlation: float = 0.0,
    confidence: float = 0.95,
) -> float:
    """Of the interval that so many votes give: `votes_for` the other way round."""
    variance = vote_variance(rate, tie_rate) * design_effect(votes_per_prompt, correlation)
    z = float(stats.norm.isf((1 - confidence) / 2))
    return z * sqrt(variance / max(votes, 1))


def design_effect(votes_per_prompt: float, correlation: float) -> float:
    """How many times as many votes it takes where m of a prompt correlate: 1 + (m - 1) ρ."""
    if votes_per_prompt < 1 or not 0 <= correlation <= 1:
        raise ValueError(
            "votes_per_prompt must be at least 1, and correlation lie in [0, 1], not "
            f"{votes_per_prompt} and {correlation}"
        )
    return 1 + (votes_per_prompt - 1) * correlation


def vote_variance(rate: float, tie_rate: float) -> float:
    """Of a vote's points: wins 1, ties 1/2. E p² - r² with E p² = (r - t/2) + t/4."""
    if not 0 <= tie_rate <= 1 or not tie_rate / 2 <= rate <= 1 - tie_rate / 2:
        raise ValueError(f"a rate of {rate} with {tie_rate} ties cannot be")
    return rate * (1 - rate) - tie_rate / 4


def intraclass(points: np.ndarray, prompt: np.ndarray) -> float:
    """Correlation of points within a prompt, at least 0: one-way analysis of variance.

    (MSB - MSW) / (MSB + (m0 - 1) MSW) with m0 = (n - sum m²/n) / (k - 1) (Donner 1986).
    """
    _, place, counts = np.unique(prompt, return_inverse=True, return_counts=True)
    k, n = len(counts), len(points)
    if k < 2 or n <= k:
        return 0.0
    means = np.bincount(place, points) / counts
    between = (counts * (means - points.mean()) ** 2).sum() / (k - 1)
    within = ((points - means[place]) ** 2).sum() / (n - k)
    m0 = (n - (counts**2).sum() / n) / (k - 1)
    spread = between + (m0 - 1) * within
    return float(np.clip((between - within) / spread, 0, 1)) if spread > 0 else 0.0
