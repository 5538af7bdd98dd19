"""Are features Gaussian, as the Frechet distance supposes? An exact test on a random projection."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from scaling.measure.distances.order import at_most
from scaling.measure.distances.sliced import directions

AXES = 6
MOST_SAMPLES = 5_000


@dataclass(frozen=True, kw_only=True)
class Gaussianity:
    """Mardia's skewness and kurtosis, in deviations of what Gaussian samples show, and p."""

    skewness: float
    kurtosis: float
    p_value: float
    count: int
    axes: int


def gaussianity(
    features: Float[np.ndarray, "n d"], *, simulations: int = 199, seed: int = 0
) -> Gaussianity:
    """Mardia's (1970) test of features projected on a few random axes.

    Its statistics do not change under an affine map, so that simulated standard Gaussians of the
    same shape have their exact distribution, whatever the covariance: p is uniform under the null
    on its grid of 1 / (simulations + 1). The test takes the larger of the two standardised
    statistics. Rows beyond MOST_SAMPLES are left out at random; `count` says how many were used.
    ValueError for fewer samples than twice the axes, or for a projection without spread.
    """
    axes = min(AXES, features.shape[1])
    rows = at_most(features, MOST_SAMPLES).astype(np.float64)
    if len(rows) < 2 * axes:
        raise ValueError(f"{len(rows)} samples are too few for {axes} axes")
    along = directions(features.shape[1], axes, seed)
    rng = np.random.default_rng(seed + 1)
    null = [mardia(rng.normal(size=(len(rows), axes))) for _ in range(simulations)]
    found = np.array([mardia(rows @ along), *null])
    standard = (found - found.mean(axis=0)) / found.std(axis=0)
    extreme = np.maximum(standard[:, 0], np.abs(standard[:, 1]))
    simulated = found[1:]
    away = (found[0] - simulated.mean(axis=0)) / simulated.std(axis=0)
    return Gaussianity(
        skewness=float(away[0]),
        kurtosis=float(away[1]),
        p_value=float((extreme >= extreme[0]).mean()),
        count=len(rows),
        axes=axes,
    )


def tested(features: Float[np.ndarray, "n d"]) -> Gaussianity | None:
    """None where features have no spread to test, or are too few."""
    try:
        return gaussianity(features)
    except ValueError:
        return None


def mardia(rows: Float[np.ndarray, "n k"]) -> tuple[float, float]:
    """Skewness b1 = |mean z z z|^2 and kurtosis b2 = mean |z|^4, z the whitened rows (1970)."""
    n, k = rows.shape
    centred = rows - rows.mean(axis=0)
    try:
        factor = np.linalg.cholesky(centred.T @ centred / n)
    except np.linalg.LinAlgError:
        raise ValueError("the features have no spread in some direction") from None
    z = np.linalg.solve(factor, centred.T).T
    pairs = (z[:, :, None] * z[:, None, :]).reshape(n, k * k)
    third = pairs.T @ z / n
    return float((third**2).sum()), float((pairs[:, :: k + 1].sum(axis=1) ** 2).mean())
