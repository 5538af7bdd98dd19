"""The Frechet distance between two Gaussians: FID, whatever network gave the features."""

from dataclasses import dataclass
from functools import reduce

import numpy as np
from jaxtyping import Float

from scaling.measure.distances.moments import Moments, merged, moments

SINGLE_FROM = 512
"""Dimensions from which the products in a covariance are formed in float32, three times faster."""
PRECISION = f"float64 sums; of float32 features float32 products from {SINGLE_FROM} dimensions on"
INDEPENDENT = 0.03
"""Share of each feature's variance that the others must leave open for that to be safe."""


@dataclass(frozen=True, kw_only=True)
class Gaussian:
    """A mean and a factor A of the covariance A A^T, with as many columns as its rank needs."""

    count: int | float
    mean: Float[np.ndarray, " d"]
    factor: Float[np.ndarray, "d r"]

    @property
    def trace(self) -> float:
        """Of the covariance."""
        return float((self.factor**2).sum())


def gaussian(given: Moments | Float[np.ndarray, "n d"]) -> Gaussian:
    """Fitted to features, or of moments; fewer features than dimensions need no [d, d] matrix."""
    if isinstance(given, Moments):
        return of_moments(given)
    count, dimension = given.shape
    if count <= dimension:
        rows = given.astype(np.float64)
        mean = rows.mean(axis=0)
        return Gaussian(count=count, mean=mean, factor=(rows - mean).T / np.sqrt(count - 1))
    return of_parts([given])[1]


def of_parts(parts: list[Float[np.ndarray, "_ d"]]) -> tuple[list[Moments], Gaussian]:
    """Moments of each part, and the Gaussian of all of them, more rows than dimensions.

    Rounding in float32 products is independent from entry to entry, some 1e-8 of the variances,
    and matters to a distance only along directions whose variance is not much larger: then the
    products are formed again in float64.
    """
    if many_and_single(parts[0]):
        each = [moments(part, np.float32) for part in parts]
        whole = of_moments(reduce(merged, each))
        if independent(whole.factor):
            return each, whole
    each = [moments(part) for part in parts]
    return each, of_moments(reduce(merged, each))


def many_and_single(features: Float[np.ndarray, "n d"]) -> bool:
    """Whether float32 products are worth a try."""
    return features.dtype == np.float32 and features.shape[1] >= SINGLE_FROM


def of_moments(given: Moments) -> Gaussian:
    """With a factor of the unbiased covariance."""
    return Gaussian(count=given.count, mean=given.mean, factor=square_root(given.covariance))


def square_root(covariance: Float[np.ndarray, "d d"]) -> Float[np.ndarray, "d r"]:
    """A with A A^T = covariance: Cholesky's, or the eigenvectors' where the matrix is singular."""
    try:
        return np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(covariance)
        kept = values > 0
        return vectors[:, kept] * np.sqrt(values[kept])


def independent(factor: Float[np.ndarray, "d r"]) -> bool:
    """Whether Cholesky's pivots, what is left of a variance given the features before, are large.

    False for a factor of other shape.
    """
    rows, columns = factor.shape
    if rows != columns:
        return False
    return bool((np.diagonal(factor) ** 2 > INDEPENDENT * (factor**2).sum(axis=1)).all())


def frechet(a: Gaussian, b: Gaussian) -> float:
    """|m_a - m_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^1/2) (Dowson & Landau 1982).

    With S = A A^T the last trace is the sum of roots of the eigenvalues of the symmetric
    C^T C, C = A_a^T A_b, which are those of S_a S_b.
    """
    cross = a.factor.T @ b.factor
    rows, columns = cross.shape
    squares = cross.T @ cross if columns <= rows else cross @ cross.T
    return of_squares(a, b, np.linalg.eigvalsh(squares))


def of_squares(a: Gaussian, b: Gaussian, squares: Float[np.ndarray, " r"]) -> float:
    """From the eigenvalues of S_a S_b."""
    root = np.sqrt(squares.clip(0)).sum()
    return float(((a.mean - b.mean) ** 2).sum() + a.trace + b.trace - 2 * root)
