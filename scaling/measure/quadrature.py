"""Weighted means of a loss known at a grid of log-SNR."""

import numpy as np
from jaxtyping import Float

from models.diffusion.densities import Density

POINTS_PER_INTERVAL = 64


def weights(density: Density, nodes: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
    """Weights q with sum_k q_k f(lambda_k) = E_p[f], exact for f piecewise linear between nodes.

    q_k is the density's integral against the hat function of node k (Gauss-Legendre within each
    interval, fine enough for a density with a kink); mass beyond the outer nodes counts at them.
    The weights sum to one.
    """
    abscissae, gauss = np.polynomial.legendre.leggauss(POINTS_PER_INTERVAL)
    left, right = nodes[:-1, None], nodes[1:, None]
    share = (abscissae + 1) / 2
    mass = density.pdf(left + (right - left) * share) * gauss * (right - left) / 2
    q = np.zeros(len(nodes))
    q[:-1] += (mass * (1 - share)).sum(axis=1)
    q[1:] += (mass * share).sum(axis=1)
    q[0] += float(density.cdf(nodes[0]))
    q[-1] += 1.0 - float(density.cdf(nodes[-1]))
    return q / q.sum()
