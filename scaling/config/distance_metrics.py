"""Distances between samples and real images, as a manifest names them."""

from typing import Literal

DistanceMetric = Literal[
    "fd",
    "fd_infinite",
    "kid",
    "cmmd",
    "precision",
    "recall",
    "density",
    "coverage",
    "sliced_wasserstein",
    "beyond_gaussian",
    "gaussianity",
]
FEWEST = 8
"""Samples a side, as in scaling.measure.distances.metrics."""

GREATEST = frozenset({"precision", "recall", "density", "coverage"})
"""Those of which more is better."""
DESCRIPTIVE = frozenset({"beyond_gaussian", "gaussianity"})
"""Those that say in what way sets differ, not how far: nothing is chosen by them."""
WIN_RATE = "win_rate_"
"""What metrics of preference begin with; a judge's name follows."""


def rises(metric: str) -> bool:
    """Whether better samples have more of it."""
    return metric in GREATEST or metric.startswith(WIN_RATE)
