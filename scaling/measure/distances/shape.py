"""How much of the distance between two sets is of other than means and variances."""

import numpy as np
from jaxtyping import Float

from scaling.measure.distances.estimate import Estimate
from scaling.measure.distances.gaussianity import MOST_SAMPLES
from scaling.measure.distances.order import at_most, shuffled
from scaling.measure.distances.sliced import directions, wasserstein_squared

DIRECTIONS = 64
GROUPS = 10
CERTAIN = 2.0
"""Standard errors by which the sets must differ for a share of that to mean anything."""


def beyond_gaussian(
    x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"], *, seed: int = 0
) -> Estimate | None:
    """Share of the sliced squared W2 that means and variances do not see, noise taken off.

    As `share_beyond` has it, but no end further than 0 and 1.
    """
    found = share_beyond(x, y, seed=seed)
    if found is None:
        return None
    value, low, high = (min(max(end, 0.0), 1.0) for end in (found.value, found.low, found.high))
    return Estimate(value=value, low=low, high=high)


def share_beyond(
    x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"], *, seed: int = 0
) -> Estimate | None:
    """The share as it is estimated, by chance also below 0 or above 1: a mean is not pushed off.

    Along each direction the squared W2 is never below that of Gaussians with the same means and
    variances (Gelbrich 1990); the excess is what a Frechet distance cannot count. The interval is a
    jackknife over groups of samples (Quenouille 1956). None where the sets do not differ beyond
    noise. Rows beyond MOST_SAMPLES are left out at random.
    """
    along = directions(x.shape[1], DIRECTIONS, seed)
    rng = np.random.default_rng(seed + 1)
    x, y = (shuffled(at_most(some, MOST_SAMPLES), rng) @ along for some in (x, y))
    groups = [np.arange(len(some)) % GROUPS for some in (x, y)]
    apart = np.array([
        excess_and_seen(x[groups[0] != g], y[groups[1] != g], seed) for g in range(GROUPS)
    ])  # fmt: skip
    excess, seen = excess_and_seen(x, y, seed)
    whole = excess + seen
    if whole <= CERTAIN * jackknife(apart.sum(axis=1)):
        return None
    of_y = np.array([excess_and_seen(x, y[groups[1] != g], seed) for g in range(GROUPS)])
    error, own = (jackknife(some[:, 0] / some.sum(axis=1)) for some in (apart, of_y))
    return Estimate.normal(excess / whole, error, of_generated=own)


def jackknife(without: Float[np.ndarray, " groups"]) -> float:
    """Standard error from a statistic of all groups but one."""
    return float(((len(without) - 1) * without.var()) ** 0.5)


def excess_and_seen(
    x: Float[np.ndarray, "n count"], y: Float[np.ndarray, "m count"], seed: int
) -> tuple[float, float]:
    """Squared W2 beyond means and variances, and that of these, summed over directions.

    From the first is taken what Gaussian samples of these numbers and variances show; from the
    second the sampling variance of means and deviations, var/n and var (kurtosis - 1)/(4 n).
    """
    rng = np.random.default_rng(seed + 2)
    drawn = [rng.normal(size=some.shape) * some.std(axis=0) for some in (x, y)]
    noise = 0.0
    for some in (x, y):
        deviation = some - some.mean(axis=0)
        variance = (deviation**2).mean(axis=0)
        fourth = (deviation**4).mean(axis=0) / np.where(variance > 0, variance, 1)
        noise += float((variance + (fourth - variance) / 4).sum()) / len(some)
    expected = float((wasserstein_squared(*drawn) - gaussian_part(*drawn)).sum())
    seen = gaussian_part(x, y)
    excess = float((wasserstein_squared(x, y) - seen).sum())
    return excess - expected, float(seen.sum()) - noise


def gaussian_part(
    x: Float[np.ndarray, "n count"], y: Float[np.ndarray, "m count"]
) -> Float[np.ndarray, " count"]:
    """Squared W2 of Gaussians with the same means and variances, of each column."""
    return (x.mean(axis=0) - y.mean(axis=0)) ** 2 + (x.std(axis=0) - y.std(axis=0)) ** 2
