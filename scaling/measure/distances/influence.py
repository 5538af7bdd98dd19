"""How much each sample moves a Frechet distance, and from that the distance's standard error."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from scaling.measure.distances.estimate import Estimate
from scaling.measure.distances.frechet import Gaussian, gaussian, of_squares
from scaling.measure.distances.moments import Moments, in_blocks
from scaling.measure.distances.order import at_most

ENOUGH = 4096
"""Samples from which an error is read: its own error is then 2 % or so."""
NEGLIGIBLE = 1e-12
"""Of the largest eigenvalue of S_a S_b: what is smaller carries nothing that could be measured."""


@dataclass(frozen=True, kw_only=True)
class Transport:
    """The distance between a and b, and the optimal maps H H^T of a onto b and of b onto a."""

    distance: float
    a: Gaussian
    b: Gaussian
    a_to_b: Float[np.ndarray, "d r"]
    b_to_a: Float[np.ndarray, "d r"]

    def slopes_b(self, rows: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
        """Derivative of the distance by the weight of each sample that b was fitted to, but for a
        constant."""
        return slopes(self.a, self.b, self.b_to_a, rows)

    def slopes_a(self, rows: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
        """The same of samples that a was fitted to."""
        return slopes(self.b, self.a, self.a_to_b, rows)


def transport(a: Gaussian, b: Gaussian) -> Transport:
    """Both maps from one eigendecomposition.

    With C = A_b^T A_a = U s V^T, a goes onto b by A_b U s^-1 U^T A_b^T, and b onto a by
    A_a V s^-1 V^T A_a^T (Dowson & Landau 1982).
    """
    if a.factor.shape[1] > b.factor.shape[1]:
        turned = transport(b, a)
        maps = {"a_to_b": turned.b_to_a, "b_to_a": turned.a_to_b}
        return Transport(distance=turned.distance, a=a, b=b, **maps)
    cross = b.factor.T @ a.factor
    squares, vectors = np.linalg.eigh(cross.T @ cross)
    kept = squares > NEGLIGIBLE * squares.max(initial=0)
    vectors, roots = vectors[:, kept], squares[kept] ** 0.25
    return Transport(
        distance=of_squares(a, b, squares),
        a=a,
        b=b,
        a_to_b=b.factor @ (cross @ (vectors / roots**3)),
        b_to_a=a.factor @ (vectors / roots),
    )


def slopes(
    other: Gaussian,
    own: Gaussian,
    half: Float[np.ndarray, "d r"],
    rows: Float[np.ndarray, "n d"],
) -> Float[np.ndarray, " n"]:
    """2 (m_own - m_other) y + y^T (1 - T) y for y the deviation from the mean and T = H H^T.

    The square part is n / (n - 1) times that, as the covariance has it.
    """
    apart, found = own.mean - other.mean, []
    for some in in_blocks(rows):
        y = some - own.mean
        square = (y**2).sum(axis=1) - ((y @ half) ** 2).sum(axis=1)
        found.append(2 * y @ apart + square * (own.count / (own.count - 1)))
    return np.concatenate(found)


def frechet_distance(
    reference: Moments | Float[np.ndarray, "n d"], generated: Float[np.ndarray, "m d"]
) -> Estimate:
    """The value at these numbers of samples, bias included, and how far it would vary."""
    return estimate(transport(gaussian(reference), gaussian(generated)), reference, generated)


def estimate(
    found: Transport,
    reference: Moments | Float[np.ndarray, "n d"],
    generated: Float[np.ndarray, "m d"],
) -> Estimate:
    """By the infinitesimal jackknife (Jaeckel 1972); a reference known by moments adds nothing."""
    own = float(found.slopes_b(at_most(generated, ENOUGH)).var()) / len(generated)
    variance = own
    if not isinstance(reference, Moments):
        variance += float(found.slopes_a(at_most(reference, ENOUGH)).var()) / len(reference)
    return Estimate.normal(found.distance, variance**0.5, of_generated=own**0.5)
