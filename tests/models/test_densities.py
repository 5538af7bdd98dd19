"""Densities integrate to their distribution functions, whose inverses are the quantiles."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad

from models.diffusion.densities import (
    DENSITIES,
    UNIFORMS,
    bounded,
    cosine,
    laplace,
    linear_beta,
    logistic,
    logit_normal,
    normal,
    resolution_shift,
    shift,
    tabulated,
    truncate,
    uniform,
)

ALL = {
    **{name: make() for name, make in DENSITIES.items() if name != "uniform"},
    "cosine, shifted and scaled": cosine(1.0, 1.3),
    "laplace elsewhere": laplace(0.3, 0.5),
    "uniform": uniform(-7.0, 5.0),
    "shifted laplace": shift(laplace(0.0, 0.5), 0.3),
    "truncated cosine": truncate(cosine(), -4.0, 6.0),
    "truncated laplace": truncate(laplace(-1.0, 2.0), -3.0, 2.0),
}


@pytest.mark.parametrize("name", ALL)
def test_cdf_is_the_integral_of_pdf_and_quantile_its_inverse(name):
    density = ALL[name]
    for u in (0.01, 0.2, 0.5, 0.77, 0.999):
        x = density.quantile(np.float64(u))
        low = max(density.low, density.quantile(np.float64(1e-4)))
        before = density.cdf(np.float64(low))
        kinks = [k for k in (0.0, 0.3, -1.0) if low < k < x]
        integral, _ = quad(lambda y: density.pdf(np.float64(y)), low, x, points=kinks, limit=400)
        assert_allclose(integral + before, u, atol=1e-6)
        assert_allclose(density.cdf(x), u, atol=1e-12)


# lambda as a function of t in the papers' own schedules; t falls as lambda rises.
SCHEDULES = {
    "cosine": (cosine(), lambda t: 2 * np.log(1 / np.tan(np.pi * t / 2))),
    "shifted cosine": (cosine(1.0), lambda t: 1 + 2 * np.log(1 / np.tan(np.pi * t / 2))),
    "scaled cosine": (cosine(0.0, 1.3), lambda t: 2 / 1.3 * np.log(1 / np.tan(np.pi * t / 2))),
    "laplace": (
        laplace(0.2, 0.5),
        lambda t: 0.2 - 0.5 * np.sign(0.5 - t) * np.log(1 - 2 * np.abs(t - 0.5)),
    ),
    "cauchy": (
        DENSITIES["cauchy"](0.2, 0.5),
        lambda t: 0.2 + 0.5 * np.tan(np.pi / 2 * (1 - 2 * t)),
    ),
    "flow matching": (logistic(), lambda t: 2 * np.log((1 - t) / t)),
    "linear beta": (linear_beta(), lambda t: -np.log(np.expm1(0.1 * t + 19.9 * t**2 / 2))),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_density_is_that_of_its_schedules_uniform_times(name):
    density, log_snr = SCHEDULES[name]
    t = np.linspace(0.05, 0.95, 19)
    assert_allclose(density.quantile(1 - t), log_snr(t), atol=1e-11)
    step = 1e-5
    slope = (log_snr(t + step) - log_snr(t - step)) / (2 * step)
    assert_allclose(density.pdf(log_snr(t))[:9], -1 / slope[:9], rtol=1e-6)  # p = -dt / dlambda
    assert_allclose(density.pdf(log_snr(t))[-9:], -1 / slope[-9:], rtol=1e-6)


def test_linear_beta_is_the_limit_of_ddpms_thousand_steps():
    beta = np.linspace(1e-4, 0.02, 1000)
    alpha2 = np.cumprod(1 - beta)
    log_snr = np.log(alpha2 / (1 - alpha2))
    t = (np.arange(1000) + 1) / 1000
    found = linear_beta().quantile(1 - t[99::100])
    assert_allclose(found, log_snr[99::100], rtol=0.01)


def edms_sigma(sigma):
    """p(sigma) of ln sigma ~ N(-1.2, 1.2^2) (arXiv 2206.00364, table 1)."""
    z = (np.log(sigma) + 1.2) / 1.2
    return np.exp(-z * z / 2) / (1.2 * sigma * np.sqrt(2 * np.pi))


def sd3s_time(t, m=0.3, s=0.8):
    """p(t) of logit t ~ N(m, s^2) (arXiv 2403.03206, Eq. 19)."""
    z = (np.log(t / (1 - t)) - m) / s
    return np.exp(-z * z / 2) / (s * np.sqrt(2 * np.pi) * t * (1 - t))


@pytest.mark.parametrize(
    ("density", "published", "time", "high"),
    [
        (normal(), edms_sigma, lambda x: np.exp(-x / 2), np.inf),
        (logit_normal(0.3, 0.8), sd3s_time, lambda x: 1 / (1 + np.exp(x / 2)), 1.0),
    ],
    ids=["edm", "sd3"],
)
def test_normal_is_edms_log_normal_noise_and_sd3s_logit_normal_time(density, published, time, high):
    """p(lambda) = p(t) |dt / dlambda|, and as much lies above lambda as of t below t(lambda)."""
    for level in np.linspace(-3.0, 6.0, 7):
        slope = (time(level + 1e-4) - time(level - 1e-4)) / 2e-4
        assert_allclose(density.pdf(level), -slope * published(time(level)), rtol=1e-6)
        noisier, _ = quad(published, time(level), high, epsabs=1e-10, limit=200)
        assert_allclose(density.cdf(level), noisier, atol=1e-8)


def test_a_larger_image_needs_more_noise():
    """Averaging 2x2 pixels divides the noise's variance by four: log-SNR rises by 2 log 2."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(64, 64, 64))
    pooled = noise.reshape(64, 32, 2, 32, 2).mean((2, 4))
    gained = np.log(noise.var() / pooled.var())
    assert_allclose(-resolution_shift(64, 32), gained, rtol=0.01)


def test_jax_and_numpy_agree():
    u = np.linspace(0.01, 0.99, 50)
    for density in ALL.values():
        x = density.quantile(u)
        on_device = jax.jit(density.quantile)(u.astype(np.float32))
        assert_allclose(on_device, x, rtol=2e-4, atol=2e-5)
        assert_allclose(
            jax.jit(density.pdf)(x.astype(np.float32)), density.pdf(x), rtol=1e-3, atol=1e-6
        )


def test_tabulated_is_a_density_with_these_masses():
    edges, mass = jnp.array([-3.0, -1.0, 0.5, 4.0]), jnp.array([2.0, 0.0, 6.0])
    density = tabulated(edges, mass)
    assert_allclose(density.cdf(edges), [0, 0.25, 0.25, 1])
    assert_allclose(density.pdf(jnp.array([-2.0, 0.0, 4.0, 4.1])), [0.125, 0, 0.75 / 3.5, 0])
    u = jnp.linspace(0.01, 0.99, 33)
    assert_allclose(density.cdf(density.quantile(u)), u, atol=1e-6)


@pytest.mark.parametrize("name", UNIFORMS)
def test_draws_are_uniform(name):
    draws = np.concatenate([UNIFORMS[name](jax.random.key(i), 9) for i in range(2000)])
    assert ((draws >= 0) & (draws <= 1)).all()
    deciles = np.linspace(0.1, 0.9, 9)
    assert_allclose(np.quantile(draws, deciles), deciles, atol=0.02)


def test_stratified_draws_are_evenly_spread():
    draws = np.sort(UNIFORMS["stratified"](jax.random.key(0), 128))
    assert_allclose(np.diff(draws), 1 / 128, atol=1e-5)


def test_antithetic_draws_come_in_mirrored_pairs():
    draws = UNIFORMS["antithetic"](jax.random.key(0), 10)
    assert_allclose(draws[::2] + draws[1::2], 1, atol=1e-6)


def test_a_truncation_without_mass_is_refused():
    with pytest.raises(ValueError, match="no mass"):
        truncate(uniform(0.0, 1.0), 2.0, 3.0)
    nowhere = uniform(float("nan"), float("nan"))
    with pytest.raises(ValueError, match="no mass"):
        truncate(nowhere, 2.0, 3.0)


def test_an_unknown_name_is_refused():
    with pytest.raises(KeyError):
        bounded("cosinus", -1.0, 1.0)
