"""An error that all runs of a fit have in common, as of rates by votes on the same prompts.

It moves every value together, so that no residual shows it, and a bootstrap over runs misses it.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]
COLUMN = "shared_error"
"""How far one standard deviation of the common error moves each value."""


def loadings(covariance: Array) -> Array:
    """Of the one factor [k] that explains what lies off the diagonal of covariances [k, k].

    By the centroid method (Thurstone 1947, Multiple-Factor Analysis), with the factor's own share
    of the diagonal iterated; none where values do not vary together, negative ones as 0.
    """
    off = covariance - np.diag(np.diag(covariance))
    found = np.zeros(len(off))
    for _ in range(100):
        rows = off.sum(axis=1) + found**2
        total = rows.sum()
        if total <= 0:
            return np.zeros(len(off))
        found = np.clip(rows / np.sqrt(total), 0, np.sqrt(np.diag(covariance)))
    return found


def drawn(points: pd.DataFrame, unit: Any, count: int, seed: int) -> Array | float:
    """What the common error adds to the values [n] in `unit` in each replicate: [count, n]."""
    if COLUMN not in points:
        return 0.0
    errors = np.nan_to_num(points[COLUMN].to_numpy(float)) / unit
    return np.random.default_rng([seed, 3]).standard_normal((count, 1)) * errors
