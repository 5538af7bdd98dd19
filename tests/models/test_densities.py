"""Densities integrate to their distribution functions, whose inverses are the quantiles."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad

from models.diffusion.densities import bounded, cosine, laplace, stratified, truncate, uniform

ALL = {
    "cosine": cosine(),
    "laplace": laplace(0.3, 0.5),
    "uniform": uniform(-7.0, 5.0),
    "truncated cosine": truncate(cosine(), -4.0, 6.0),
    "truncated laplace": truncate(laplace(-1.0, 2.0), -3.0, 2.0),
}


@pytest.mark.parametrize("name", ALL)
def test_cdf_is_the_integral_of_pdf_and_quantile_its_inverse(name):
    density = ALL[name]
    for u in (0.01, 0.2, 0.5, 0.77, 0.999):
        x = density.quantile(np.float64(u))
        low = max(density.low, -200.0)
        kinks = [k for k in (0.3, -1.0) if low < k < x]
        integral, _ = quad(lambda y: density.pdf(np.float64(y)), low, x, points=kinks, limit=400)
        assert_allclose(integral, u, atol=1e-6)
        assert_allclose(density.cdf(x), u, atol=1e-12)


def test_cosine_is_the_cosine_schedule():
    t = np.linspace(0.05, 0.95, 19)
    log_snr = 2 * np.log(1 / np.tan(np.pi * t / 2))  # alpha = cos, sigma = sin
    assert_allclose(cosine().quantile(1 - t), log_snr, atol=1e-12)
    slope = -np.gradient(t, log_snr, edge_order=2)  # p = -dt / dlambda
    assert_allclose(cosine().pdf(log_snr)[2:-2], slope[2:-2], rtol=0.02)


def test_jax_and_numpy_agree():
    u = np.linspace(0.01, 0.99, 50)
    for density in ALL.values():
        x = density.quantile(u)
        on_device = jax.jit(density.quantile)(u.astype(np.float32))
        assert_allclose(on_device, x, rtol=1e-4, atol=2e-5)


def test_stratified_samples_are_evenly_spread():
    density = bounded("cosine", -10.0, 10.0)
    positions = jnp.arange(128, dtype=jnp.float32) / 128
    samples = stratified(density, jnp.float32(0.613), positions)
    cumulative = np.sort(density.cdf(np.asarray(samples, np.float64)))
    assert_allclose(np.diff(cumulative), 1 / 128, atol=1e-5)


def test_a_truncation_without_mass_is_refused():
    with pytest.raises(ValueError, match="no mass"):
        truncate(uniform(0.0, 1.0), 2.0, 3.0)
