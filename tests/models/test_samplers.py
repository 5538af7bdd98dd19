"""DDIM and guidance against the exact flow of Gaussian data."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from models.diffusion.densities import bounded
from models.diffusion.guidance import classifier_free
from models.diffusion.process import PROCESSES, over_images, variance_preserving
from models.diffusion.samplers import ddim, log_snr_grid

DEVIATION = 0.5


def gaussian_denoiser(process):
    """The best prediction for N(0, s^2): x0 = alpha s^2 / (alpha^2 s^2 + sigma^2) z."""

    def denoise(z, log_snr):
        alpha, sigma = (over_images(f(log_snr), z) for f in (process.alpha, process.sigma))
        variance = alpha**2 * DEVIATION**2 + sigma**2
        return alpha * DEVIATION**2 / variance * z, sigma / variance * z

    return denoise


def exact_flow(process, noise, low, high):
    """The probability-flow ODE multiplies Gaussian data by its deviation's growth."""

    def deviation(level):
        level = jnp.asarray(level)
        return jnp.sqrt(process.alpha(level) ** 2 * DEVIATION**2 + process.sigma(level) ** 2)

    return noise * process.sigma(jnp.asarray(low)) * deviation(high) / deviation(low)


def sample(process, steps, noise):
    levels = log_snr_grid(bounded("cosine", -10.0, 10.0), steps)
    return ddim(process, gaussian_denoiser(process), noise, levels)


def test_ddim_converges_to_the_exact_flow_at_first_order():
    process = variance_preserving()
    with jax.enable_x64(True):
        noise = jax.random.normal(jax.random.key(0), (6, 2, 2, 1))
        # The last evaluation returns x0, whose deviation differs from z's at lambda = 10 by 1e-4.
        exact = exact_flow(process, noise, -10.0, 10.0)
        errors = [
            float(jnp.max(jnp.abs(sample(process, n, noise) - exact))) for n in (64, 128, 256)
        ]
    slopes = np.log2(errors[:-1]) - np.log2(errors[1:])
    assert_allclose(slopes, 1.0, atol=0.2)


@pytest.mark.parametrize("name", PROCESSES)
def test_ddim_does_not_depend_on_the_process(name):
    """Processes differ by a factor on z alone, and DDIM keeps x0 and the noise."""
    with jax.enable_x64(True):
        noise = jax.random.normal(jax.random.key(1), (6, 2, 2, 1))
        expected = sample(variance_preserving(), 20, noise)
        assert_allclose(sample(PROCESSES[name](), 20, noise), expected, rtol=1e-4)


def test_guidance_extrapolates_from_the_unconditional_prediction():
    def network(z, log_snr, tokens):
        return z + tokens[:, 0, None, None, None]

    z, level = jnp.zeros((3, 1, 1, 1)), jnp.zeros(3)
    tokens = jnp.array([[1], [2], [3]])
    for scale in (0.0, 1.0, 2.5):
        guided = classifier_free(network, scale)(z, level, tokens)
        assert_allclose(guided.ravel(), scale * np.array([1.0, 2.0, 3.0]))
