"""u(lambda) against its closed-form optimum, the log of the weighted error that is left."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from models.diffusion import log_variance, weightings
from models.diffusion.loss import denoising_loss
from models.diffusion.mixture import gaussian_error, posterior_mean
from models.diffusion.process import variance_preserving

LOW, HIGH, DEVIATION, SIZE = -4.0, 6.0, 0.5, 4
FACTORS = {"constant": weightings.constant(), "min_snr": weightings.min_snr()}


def weighted_errors(factor, key, log_snr):
    """Of the best denoiser of a Gaussian, on draws of it."""
    process, means = variance_preserving(), jnp.zeros((1, SIZE, SIZE, 1))
    x0, noise = jax.random.normal(key, (2, len(log_snr), SIZE, SIZE, 1))
    x0 = DEVIATION * x0

    def best(z, level, _):
        return posterior_mean(process, z, level, means, DEVIATION)

    tokens = jnp.zeros((len(log_snr), 1), jnp.int32)
    each = denoising_loss(process, best, x0, tokens, noise, log_snr, prediction="x0", error="x0")
    return factor(log_snr) * each


def learn(factor, steps=4000, batch=64):
    """u at the end of a training whose rate falls to zero."""
    u = log_variance.learned(channels=128, learning_rate=0.01, beta1=0.9, beta2=0.99)

    def step(state, at):
        key, share = at
        of_levels, of_data = jax.random.split(key)
        log_snr = jax.random.uniform(of_levels, (batch,), minval=LOW, maxval=HIGH)
        return u.update(state, log_snr, weighted_errors(factor, of_data, log_snr), share), None

    keys = jax.random.split(jax.random.key(0), steps)
    state, _ = jax.lax.scan(step, u.init(jax.random.key(1)), (keys, jnp.linspace(1, 0, steps)))
    return lambda log_snr: u.at(state, log_snr)


@pytest.mark.parametrize("name", FACTORS)
def test_u_becomes_the_log_of_the_best_denoisers_weighted_error(name):
    """For a Gaussian of deviation s that is factor s^2 sigma^2 / (alpha^2 s^2 + sigma^2)."""
    factor = FACTORS[name].factor
    levels = jnp.linspace(LOW + 0.2, HIGH - 0.2, 49)
    error = gaussian_error(variance_preserving(), levels, DEVIATION, 1)
    best = np.log(factor(levels) * error)
    assert np.ptp(best) > 3  # so that being equal means something
    assert_allclose(learn(factor)(levels), best, atol=0.12)


def test_u_begins_at_random_and_of_magnitude_one():
    u = log_variance.learned(channels=128, learning_rate=0.01, beta1=0.9, beta2=0.99)
    keys = jax.random.split(jax.random.key(0), 500)
    first = jax.vmap(lambda key: u.at(u.init(key), jnp.array([-3.0, 0.0, 3.0])))(keys)
    assert_allclose(jnp.mean(first**2, axis=0), 1, atol=0.2)


def test_without_it_there_is_no_state_and_nothing_to_divide_by():
    none = log_variance.none()
    state = none.init(jax.random.key(0))
    assert jax.tree.leaves(state) == []
    assert none.at(state, jnp.zeros(3)) is None
    assert none.update(state, jnp.zeros(3), jnp.ones(3), jnp.float32(1)) == state
