"""Weighted means over noise levels against numerical integration."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad

from models.diffusion.densities import bounded
from scaling.config import MeasureConfig
from scaling.measure.quadrature import weights

NODES = np.array(MeasureConfig().log_snr)
DENSITIES = {
    "laplace": bounded("laplace", -8.0, 8.0, location=0.0, scale=0.5),
    "shifted laplace": bounded("laplace", -8.0, 8.0, location=0.37, scale=0.75),
    "cosine": bounded("cosine", -8.0, 8.0),
    "uniform": bounded("uniform", -8.0, 8.0),
}


@pytest.mark.parametrize("name", DENSITIES)
def test_weights_integrate_what_is_linear_between_the_nodes(name):
    density = DENSITIES[name]
    q = weights(density, NODES)
    values = np.random.default_rng(0).normal(size=len(NODES))

    def integrand(x):
        return density.pdf(np.float64(x)) * np.interp(x, NODES, values)

    kinks = sorted({*NODES, 0.37})
    pieces = [quad(integrand, a, b)[0] for a, b in pairwise(kinks)]
    assert_allclose(q @ values, sum(pieces), rtol=1e-5, atol=1e-6)
    assert_allclose(q.sum(), 1.0)
    assert (q >= 0).all()


def test_the_default_nodes_resolve_a_denoisers_loss():
    # The v-error of the best denoiser of N(0, s^2): s^2 / (alpha^2 s^2 + sigma^2).
    def loss(x):
        return 0.25 / (0.25 / (1 + np.exp(-x)) + 1 / (1 + np.exp(x)))

    density = DENSITIES["laplace"]
    exact, _ = quad(
        lambda x: density.pdf(np.float64(x)) * loss(x), -8.0, 8.0, points=[0.0], limit=200
    )
    assert_allclose(weights(density, NODES) @ loss(NODES), exact, rtol=5e-3)


def test_mass_beyond_the_nodes_counts_at_the_outermost():
    q = weights(bounded("uniform", -4.0, 4.0), np.array([-2.0, 0.0, 2.0]))
    assert_allclose(q, [0.25 + 0.125, 0.25, 0.25 + 0.125])
