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
]
FEWEST = 8
"""Samples a side, as in scaling.measure.distances.metrics."""

GREATEST = frozenset({"precision", "recall", "density", "coverage"})
"""Those of which more is better."""
