"""DDIM and guidance against the exact flow of Gaussian data."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from models.diffusion.densities import bounded
from models.diffusion.guidance import classifier_free
from models.diffusion.predictions import QUANTITIES, from_x0_and_noise
from models.diffusion.process import alpha, over_images, sigma
from models.diffusion.samplers import ddim, log_snr_grid

DEVIATION = 0.5
TOKENS = jnp.zeros((6, 1), jnp.int32)


def gaussian_denoiser(prediction):
    """The best prediction for N(0, s^2): x0 = alpha s^2 / (alpha^2 s^2 + sigma^2) z."""

    def network(z, log_snr, tokens):
        al, si = (over_images(f(log_snr), z) for f in (alpha, sigma))
        variance = al**2 * DEVIATION**2 + si**2
        return from_x0_and_noise(
            al * DEVIATION**2 / variance * z, si / variance * z, log_snr, prediction
        )

    return network


def exact_flow(noise, low, high):
    """The probability-flow ODE multiplies Gaussian data by its deviation's growth."""

    def deviation(level):
        level = jnp.asarray(level)
        return jnp.sqrt(alpha(level) ** 2 * DEVIATION**2 + sigma(level) ** 2)

    return noise * deviation(high) / deviation(low)


def sample(steps, noise, prediction="v"):
    levels = log_snr_grid(bounded("cosine", -10.0, 10.0), steps)
    return ddim(gaussian_denoiser(prediction), noise, TOKENS, levels, prediction=prediction)


def test_ddim_converges_to_the_exact_flow_at_first_order():
    with jax.enable_x64(True):
        noise = jax.random.normal(jax.random.key(0), (6, 2, 2, 1))
        # The last evaluation returns x0, whose deviation differs from z's at lambda = 10 by 1e-4.
        exact = exact_flow(noise, -10.0, 10.0)
        errors = [float(jnp.max(jnp.abs(sample(n, noise) - exact))) for n in (64, 128, 256)]
    slopes = np.log2(errors[:-1]) - np.log2(errors[1:])
    assert_allclose(slopes, 1.0, atol=0.2)


@pytest.mark.parametrize("prediction", QUANTITIES)
def test_ddim_does_not_depend_on_what_is_predicted(prediction):
    with jax.enable_x64(True):
        noise = jax.random.normal(jax.random.key(1), (6, 2, 2, 1))
        assert_allclose(sample(20, noise, prediction), sample(20, noise, "v"), rtol=1e-9)


def test_guidance_extrapolates_from_the_unconditional_prediction():
    def network(z, log_snr, tokens):
        return z + tokens[:, 0, None, None, None]

    z, level = jnp.zeros((3, 1, 1, 1)), jnp.zeros(3)
    tokens = jnp.array([[1], [2], [3]])
    for scale in (0.0, 1.0, 2.5):
        guided = classifier_free(network, scale)(z, level, tokens)
        assert_allclose(guided.ravel(), scale * np.array([1.0, 2.0, 3.0]))
