from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad_vec
from scipy.special import expit

from models.diffusion import mixture
from models.diffusion.mixture import gaussian_error
from models.diffusion.process import diffuse, variance_preserving

PROCESS = variance_preserving()
posterior_mean = jax.jit(partial(mixture.posterior_mean, PROCESS))
log_density = jax.jit(partial(mixture.log_density, PROCESS))

MEANS = np.array([-1.0, 0.2, 0.9])
DEVIATION = 0.25
LAMBDAS = [-15.0, -6.0, -2.0, 0.0, 1.0, 4.0, 9.0, 15.0]


def normal(x, mean, deviation):
    return np.exp(-(((x - mean) / deviation) ** 2) / 2) / (deviation * np.sqrt(2 * np.pi))


def by_integration(z, log_snr):
    """q(z) and E[x0 | z] for numbers, by adaptive quadrature over x0 in float64."""
    alpha, sigma = np.sqrt(expit(log_snr)), np.sqrt(expit(-log_snr))

    def joint(x0):
        weight = np.mean(normal(x0, MEANS, DEVIATION)) * normal(z, alpha * x0, sigma)
        return np.array([weight, x0 * weight])

    peak = z / alpha
    points = sorted(
        {float(p) for p in [*MEANS, *np.clip(peak + sigma / alpha * np.arange(-8, 9, 2), -4, 4)]}
    )
    mass, moment = quad_vec(joint, -4, 4, points=points, epsrel=1e-10, epsabs=0, limit=2000)[0]
    return mass, moment / mass


@pytest.mark.parametrize("log_snr", LAMBDAS)
def test_one_dimension_equals_numerical_integration(log_snr):
    alpha, sigma = np.sqrt(expit(log_snr)), np.sqrt(expit(-log_snr))
    z = alpha * np.linspace(-1.5, 1.5, 9) + sigma * np.linspace(1, -1, 9)
    expected = np.array([by_integration(value, log_snr) for value in z])
    arguments = (jnp.array(z)[:, None], jnp.full(9, log_snr), jnp.array(MEANS)[:, None], DEVIATION)
    np.testing.assert_allclose(
        log_density(*arguments), np.log(expected[:, 0]), rtol=1e-4, atol=1e-4
    )
    np.testing.assert_allclose(posterior_mean(*arguments)[:, 0], expected[:, 1], atol=2e-4)


def some_images(key, count=6, components=5):
    draws = jax.random.split(key, 2)
    return jax.random.normal(draws[0], (count, 3, 3, 2)), jax.random.normal(
        draws[1], (components, 3, 3, 2)
    ) / 2


@pytest.mark.parametrize("log_snr", [-10.0, -2.0, 0.0, 3.0, 7.0])
def test_tweedie(log_snr):
    # E[x0 | z] = (z + sigma^2 grad log q(z)) / alpha (Robbins 1956; Efron 2011).
    z, means = some_images(jax.random.key(0))
    lambdas = jnp.full(len(z), log_snr)
    score = jax.grad(lambda z: log_density(z, lambdas, means, 0.3).sum())(z)
    tweedie = (z + jax.nn.sigmoid(-log_snr) * score) / jnp.sqrt(jax.nn.sigmoid(log_snr))
    best = posterior_mean(z, lambdas, means, 0.3)
    rounding = 1e-5 / np.sqrt(expit(log_snr))  # Tweedie divides by alpha, the closed form does not
    np.testing.assert_allclose(best, tweedie, atol=rounding, rtol=1e-4)


def test_one_component_is_the_wiener_filter():
    z, means = some_images(jax.random.key(1), components=1)
    log_snr = jnp.linspace(-15, 15, len(z))
    alpha2, s2 = expit(np.asarray(log_snr, float)), 0.3**2
    gain = (np.sqrt(alpha2) * s2 / (alpha2 * s2 + 1 - alpha2)).reshape(-1, 1, 1, 1)
    mean, alpha = np.asarray(means[0], float), np.sqrt(alpha2).reshape(-1, 1, 1, 1)
    wiener = mean + gain * (np.asarray(z, float) - alpha * mean)
    np.testing.assert_allclose(posterior_mean(z, log_snr, means, 0.3), wiener, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("log_snr", [-12.0, -1.0, 2.0, 12.0])
def test_population_error_of_one_gaussian(log_snr):
    count, deviation = 20_000, 0.4
    keys = jax.random.split(jax.random.key(2), 2)
    mean = jnp.linspace(-1, 1, 16).reshape(1, 4, 4, 1)
    x0 = mean + deviation * jax.random.normal(keys[0], (count, 4, 4, 1))
    lambdas = jnp.full(count, log_snr)
    z = diffuse(PROCESS, x0, jax.random.normal(keys[1], x0.shape), lambdas)
    errors = jnp.sum((posterior_mean(z, lambdas, mean, deviation) - x0) ** 2, (1, 2, 3))
    expected = (
        16 * deviation**2 * expit(-log_snr) / (expit(log_snr) * deviation**2 + expit(-log_snr))
    )
    assert gaussian_error(PROCESS, lambdas[:1], deviation, 16)[0] == pytest.approx(
        expected, rel=1e-5
    )
    assert abs(errors.mean() - expected) < 4 * errors.std() / np.sqrt(count)


@pytest.mark.parametrize("log_snr", [-4.0, 0.0, 3.0])
def test_population_error_of_a_mixture_by_quadrature(log_snr):
    """E|x0 - E[x0 | z]|^2 = E x0^2 - int (int x0 q(x0, z) dx0)^2 / q(z) dz, within 3 errors."""
    alpha, sigma = np.sqrt(expit(log_snr)), np.sqrt(expit(-log_snr))
    x0, z = np.linspace(-3, 3, 3001), np.linspace(-6, 6, 1201)
    prior = np.mean(normal(x0[:, None], MEANS, DEVIATION), axis=1)
    joint = prior * normal(z[:, None], alpha * x0, sigma)
    mass, moment = (np.trapezoid(part, x0) for part in (joint, joint * x0))
    square = np.trapezoid(prior * x0**2, x0)
    expected = square - np.trapezoid(moment**2 / np.maximum(mass, 1e-300), z)

    count = 100_000
    keys = jax.random.split(jax.random.key(4), 3)
    centres = jnp.array(MEANS)[jax.random.randint(keys[0], (count,), 0, len(MEANS))]
    images = (centres + DEVIATION * jax.random.normal(keys[1], (count,)))[:, None]
    lambdas = jnp.full(count, log_snr)
    noisy = diffuse(PROCESS, images, jax.random.normal(keys[2], images.shape), lambdas)
    best = posterior_mean(noisy, lambdas, jnp.array(MEANS)[:, None], DEVIATION)
    errors = np.asarray(best - images, np.float64)[:, 0] ** 2
    assert abs(errors.mean() - expected) < 3 * errors.std() / np.sqrt(count)
    assert errors.std() / np.sqrt(count) < 0.01 * expected


def test_limits_of_all_noise_and_none():
    z, means = some_images(jax.random.key(3))
    blind = posterior_mean(z, jnp.full(len(z), -40.0), means, 0.3)
    np.testing.assert_allclose(blind, jnp.broadcast_to(means.mean(0), z.shape), atol=1e-6)
    clear = posterior_mean(z, jnp.full(len(z), 40.0), means, 0.3)
    np.testing.assert_allclose(clear, z, atol=1e-6)


def test_far_from_every_mean_nothing_overflows():
    z = jnp.full((2, 4), 50.0)
    log_snr = jnp.array([-15.0, 15.0])
    means = jnp.array([[0.0] * 4, [1.0] * 4])
    assert jnp.isfinite(posterior_mean(z, log_snr, means, 1e-3)).all()
    assert jnp.isfinite(log_density(z, log_snr, means, 1e-3)).all()
