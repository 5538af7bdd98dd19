"""Maximum mean discrepancies, unbiased: KID and CMMD."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from scaling.measure.distances.estimate import Estimate
from scaling.measure.distances.frechet import many_and_single
from scaling.measure.distances.order import order

Kernel = Callable[[Float[np.ndarray, "n d"], Float[np.ndarray, "m d"]], Float[np.ndarray, "n m"]]

CMMD_BANDWIDTH = 10.0
"""sigma of Jayasumana et al. (2024), for vectors of length one."""
CMMD_SCALE = 1000.0
"""What they multiply by, to be read with ease."""
ROWS_AT_ONCE = 1024
SUBSET = 5_000
"""Samples a side whose pairs are all looked at; larger sets are cut into subsets."""


def cubic(x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"]) -> Float[np.ndarray, "n m"]:
    """(x y / d + 1)^3 (Binkowski et al. 2018)."""
    products = (x @ y.T).astype(np.float64, copy=False)
    products /= x.shape[1]
    products += 1
    return products * products * products


def gaussian(x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"]) -> Float[np.ndarray, "n m"]:
    """exp(-|x - y|^2 / (2 sigma^2))."""
    squares = (x @ y.T).astype(np.float64, copy=False)
    squares *= -2
    squares += squared_norms(x)[:, None]
    squares += squared_norms(y)
    squares /= -2 * CMMD_BANDWIDTH**2
    return np.exp(squares, out=squares)


def kid(x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"]) -> Estimate:
    """Squared MMD with the cubic kernel, of all pairs of SUBSET samples a side."""
    return over_subsets(x, y, cubic)


def cmmd(x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"]) -> Estimate:
    """1000 times the squared MMD with a Gaussian kernel between features brought to length one.

    Unbiased, as the paper has it; its published code keeps the diagonal, and so adds a bias.
    """
    found = over_subsets(_of_length_one(x), _of_length_one(y), gaussian)
    own = found.of_generated or 0.0
    scaled = (CMMD_SCALE * part for part in (found.value, found.low, found.high, own))
    value, low, high, own = scaled
    return Estimate(value=value, low=low, high=high, of_generated=own)


def over_subsets(
    x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"], kernel: Kernel
) -> Estimate:
    """Mean over disjoint random subsets, as few as leave no more than SUBSET samples in one.

    Unbiased like each of them (Binkowski et al. 2018 draw theirs with replacement), and their
    errors are independent.
    """
    count = -(-max(len(x), len(y)) // SUBSET)
    count = min(count, len(x) // 2, len(y) // 2)
    if count <= 1:
        return mmd_squared(x, y, kernel)
    rng = np.random.default_rng(0)
    cuts = [np.array_split(order(some)[rng.permutation(len(some))], count) for some in (x, y)]
    found = [mmd_squared(x[i], y[j], kernel) for i, j in zip(*cuts, strict=True)]
    value = float(np.mean([part.value for part in found]))
    reach = float(sum((part.high - part.value) ** 2 for part in found)) ** 0.5 / count
    own = float(sum((part.of_generated or 0.0) ** 2 for part in found)) ** 0.5 / count
    return Estimate(value=value, low=value - reach, high=value + reach, of_generated=own)


def mmd_squared(
    x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"], kernel: Kernel
) -> Estimate:
    """The U-statistic of Gretton et al. (2012, equation 3), its error by the jackknife.

    Leaving out one sample changes only sums of its row, so that all leave-one-out values follow
    from the row sums of the three kernel matrices; these are formed block by block.
    """
    n, m = len(x), len(y)
    if not (many_and_single(x) and many_and_single(y)):
        x, y = x.astype(np.float64), y.astype(np.float64)
    within_x, within_y = within_sums(x, kernel), within_sums(y, kernel)
    x_to_y, y_to_x = cross_sums(x, y, kernel)
    xx, yy, xy = within_x.sum(), within_y.sum(), x_to_y.sum()
    value = xx / (n * (n - 1)) + yy / (m * (m - 1)) - 2 * xy / (n * m)
    variance = own = 0.0
    if n > 2:
        without = (xx - 2 * within_x) / ((n - 1) * (n - 2)) - 2 * (xy - x_to_y) / ((n - 1) * m)
        variance += (n - 1) * float(without.var())
    if m > 2:
        without = (yy - 2 * within_y) / ((m - 1) * (m - 2)) - 2 * (xy - y_to_x) / ((m - 1) * n)
        own = (m - 1) * float(without.var())
    return Estimate.normal(float(value), (variance + own) ** 0.5, of_generated=own**0.5)


def within_sums(x: Float[np.ndarray, "n d"], kernel: Kernel) -> Float[np.ndarray, " n"]:
    """Of each row with all others; a block below the diagonal is one above it, turned."""
    found = np.zeros(len(x))
    for start in range(0, len(x), ROWS_AT_ONCE):
        block = kernel(x[start : start + ROWS_AT_ONCE], x[start:])
        here = slice(start, start + len(block))
        found[here] += block.sum(axis=1) - np.diagonal(block)
        found[start + len(block) :] += block[:, len(block) :].sum(axis=0)
    return found


def cross_sums(
    x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"], kernel: Kernel
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " m"]]:
    """Of each row of x with all of y, and of each of y with all of x."""
    of_x, of_y = [], np.zeros(len(y))
    for start in range(0, len(x), ROWS_AT_ONCE):
        block = kernel(x[start : start + ROWS_AT_ONCE], y)
        of_x.append(block.sum(axis=1))
        of_y += block.sum(axis=0)
    return np.concatenate(of_x), of_y


def squared_norms(x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
    """In float64."""
    return np.einsum("nd,nd->n", x, x, dtype=np.float64)


def _of_length_one(features: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    """Features of zero, which have no direction, stay."""
    length = np.sqrt(squared_norms(features))[:, None]
    length[length == 0] = 1
    kept = features.dtype if many_and_single(features) else np.float64
    return (features / length).astype(kept, copy=False)
