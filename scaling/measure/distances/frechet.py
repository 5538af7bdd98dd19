"""The Frechet distance between two Gaussians: FID, whatever network gave the features."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from scaling.measure.distances.estimate import Estimate
from scaling.measure.distances.moments import Moments, in_blocks, moments


@dataclass(frozen=True, kw_only=True)
class Gaussian:
    """A mean and a factor A of the covariance A A^T, with as many columns as its rank needs."""

    count: int
    mean: Float[np.ndarray, " d"]
    factor: Float[np.ndarray, "d r"]

    @property
    def trace(self) -> float:
        """Of the covariance."""
        return float((self.factor**2).sum())


def gaussian(given: Moments | Float[np.ndarray, "n d"]) -> Gaussian:
    """Fitted to features, or of moments; fewer features than dimensions need no [d, d] matrix."""
    if not isinstance(given, Moments):
        count, dimension = given.shape
        if count <= dimension:
            rows = given.astype(np.float64)
            mean = rows.mean(axis=0)
            return Gaussian(count=count, mean=mean, factor=(rows - mean).T / np.sqrt(count - 1))
        given = moments(in_blocks(given))
    return Gaussian(count=given.count, mean=given.mean, factor=square_root(given.covariance))


def square_root(covariance: Float[np.ndarray, "d d"]) -> Float[np.ndarray, "d r"]:
    """A with A A^T = covariance: Cholesky's, or the eigenvectors' where the matrix is singular."""
    try:
        return np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(covariance)
        kept = values > 0
        return vectors[:, kept] * np.sqrt(values[kept])


def frechet(a: Gaussian, b: Gaussian) -> float:
    """|m_a - m_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^1/2) (Dowson & Landau 1982).

    With S = A A^T the last trace is the sum of roots of the eigenvalues of the symmetric
    C^T C, C = A_a^T A_b, which are those of S_a S_b.
    """
    values = np.linalg.eigvalsh(_gram(a.factor.T @ b.factor))
    root = np.sqrt(values.clip(0)).sum()
    return float(((a.mean - b.mean) ** 2).sum() + a.trace + b.trace - 2 * root)


def frechet_distance(
    reference: Moments | Float[np.ndarray, "n d"], generated: Float[np.ndarray, "m d"]
) -> Estimate:
    """The value at these numbers of samples, bias included, and how far it would vary."""
    a, b = gaussian(reference), gaussian(generated)
    return Estimate.normal(frechet(a, b), standard_error(a, b, reference, generated))


def standard_error(
    a: Gaussian,
    b: Gaussian,
    reference: Moments | Float[np.ndarray, "n d"],
    generated: Float[np.ndarray, "m d"],
) -> float:
    """By the infinitesimal jackknife (Jaeckel 1972); a reference known by moments adds nothing."""
    variance = float((influence(a, b, generated) ** 2).sum()) / b.count**2
    if not isinstance(reference, Moments):
        variance += float((influence(b, a, reference) ** 2).sum()) / a.count**2
    return variance**0.5


def influence(
    other: Gaussian, own: Gaussian, features: Float[np.ndarray, "n d"]
) -> Float[np.ndarray, " n"]:
    """Derivative of the distance by the weight of each sample that `own` was fitted to, centred.

    For y the deviation from the mean: 2 (m_own - m_other) y + y^T (1 - T) y, with T the optimal
    transport map from `own` to `other`, and n / (n - 1) times the square part, as the covariance
    has it. With C = A_other^T A_own = U s V^T, T is A_other U s^-1 U^T A_other^T; where the samples
    themselves are the columns of A_own, y^T T y is (n - 1) times the diagonal of V s V^T.
    """
    cross = other.factor.T @ own.factor
    if own.factor.shape[1] == own.count:
        values, vectors = np.linalg.eigh(cross.T @ cross)
        carried = (own.count - 1) * (vectors**2 @ np.sqrt(values.clip(0)))
    else:
        values, vectors = np.linalg.eigh(cross @ cross.T)
        kept = values > values.max() * len(values) * np.finfo(float).eps
        half = other.factor @ (vectors[:, kept] * values[kept] ** -0.25)
        parts = [(deviations @ half) ** 2 for deviations in _deviations(own, features)]
        carried = np.concatenate([part.sum(axis=1) for part in parts])
    apart = own.mean - other.mean
    parts = [(y @ apart, (y**2).sum(axis=1)) for y in _deviations(own, features)]
    linear, square = map(np.concatenate, zip(*parts, strict=True))
    slope = 2 * linear + (square - carried) * own.count / (own.count - 1)
    return slope - slope.mean()


def _deviations(
    own: Gaussian, features: Float[np.ndarray, "n d"]
) -> Iterator[Float[np.ndarray, "_ d"]]:
    """Of the rows from the mean, block by block."""
    return (rows.astype(np.float64) - own.mean for rows in in_blocks(features))


def _gram(matrix: Float[np.ndarray, "p q"]) -> Float[np.ndarray, "s s"]:
    """The smaller of M^T M and M M^T."""
    rows, columns = matrix.shape
    return matrix.T @ matrix if columns <= rows else matrix @ matrix.T
