"""Maximum mean discrepancies, unbiased: KID and CMMD."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from scaling.measure.distances.estimate import Estimate

Kernel = Callable[[Float[np.ndarray, "n d"], Float[np.ndarray, "m d"]], Float[np.ndarray, "n m"]]

CMMD_BANDWIDTH = 10.0
"""sigma of Jayasumana et al. (2024), for vectors of length one."""
CMMD_SCALE = 1000.0
"""What they multiply by, to be read with ease."""
ROWS_AT_ONCE = 1024


def cubic(x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"]) -> Float[np.ndarray, "n m"]:
    """(x y / d + 1)^3 (Binkowski et al. 2018)."""
    return (x @ y.T / x.shape[1] + 1) ** 3


def gaussian(x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"]) -> Float[np.ndarray, "n m"]:
    """exp(-|x - y|^2 / (2 sigma^2))."""
    squares = (x**2).sum(axis=1)[:, None] + (y**2).sum(axis=1) - 2 * x @ y.T
    return np.exp(squares / (-2 * CMMD_BANDWIDTH**2))


def kid(x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"]) -> Estimate:
    """Squared MMD with the cubic kernel, of all pairs at once: no subsets to draw."""
    return mmd_squared(x, y, cubic)


def cmmd(x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"]) -> Estimate:
    """1000 times the squared MMD with a Gaussian kernel between features brought to length one.

    Unbiased, as the paper has it; its published code keeps the diagonal, and so adds a bias.
    """
    found = mmd_squared(_of_length_one(x), _of_length_one(y), gaussian)
    scaled = (CMMD_SCALE * part for part in (found.value, found.low, found.high))
    value, low, high = scaled
    return Estimate(value=value, low=low, high=high)


def mmd_squared(
    x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"], kernel: Kernel
) -> Estimate:
    """The U-statistic of Gretton et al. (2012, equation 3), its error by the jackknife.

    Leaving out one sample changes only sums of its row, so that all leave-one-out values follow
    from the row sums of the three kernel matrices; these are formed block by block.
    """
    n, m = len(x), len(y)
    x, y = x.astype(np.float64), y.astype(np.float64)
    within_x, within_y = _row_sums(x, x, kernel, others=True), _row_sums(y, y, kernel, others=True)
    x_to_y, y_to_x = _row_sums(x, y, kernel), _row_sums(y, x, kernel)
    xx, yy, xy = within_x.sum(), within_y.sum(), x_to_y.sum()
    value = xx / (n * (n - 1)) + yy / (m * (m - 1)) - 2 * xy / (n * m)
    variance = 0.0
    if n > 2:
        without = (xx - 2 * within_x) / ((n - 1) * (n - 2)) - 2 * (xy - x_to_y) / ((n - 1) * m)
        variance += (n - 1) * float(without.var())
    if m > 2:
        without = (yy - 2 * within_y) / ((m - 1) * (m - 2)) - 2 * (xy - y_to_x) / ((m - 1) * n)
        variance += (m - 1) * float(without.var())
    return Estimate.normal(float(value), variance**0.5)


def _row_sums(
    x: Float[np.ndarray, "n d"],
    y: Float[np.ndarray, "m d"],
    kernel: Kernel,
    *,
    others: bool = False,
) -> Float[np.ndarray, " n"]:
    """Over all of y, or all but the row itself."""
    found = []
    for start in range(0, len(x), ROWS_AT_ONCE):
        block = kernel(x[start : start + ROWS_AT_ONCE], y)
        if others:
            rows = np.arange(len(block))
            block[rows, start + rows] = 0
        found.append(block.sum(axis=1))
    return np.concatenate(found)


def _of_length_one(features: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    features = features.astype(np.float64)
    return features / np.linalg.norm(features, axis=1, keepdims=True)
