"""Predictions convert into one another exactly, and so do their errors."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from models.diffusion.predictions import QUANTITIES, convert, error_ratio, from_x0_and_noise
from models.diffusion.process import alpha, diffuse, sigma

PAIRS = list(itertools.product(QUANTITIES, repeat=2))


@pytest.fixture
def draws():
    with jax.enable_x64(True):
        rng = np.random.default_rng(0)
        x0, noise = jnp.asarray(rng.normal(size=(2, 7, 4, 4, 3)))
        yield x0, noise, jnp.linspace(-8, 8, 7)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_converting_a_true_value_gives_the_true_value(draws, source, target):
    x0, noise, log_snr = draws
    z = diffuse(x0, noise, log_snr)
    value = from_x0_and_noise(x0, noise, log_snr, source)
    expected = from_x0_and_noise(x0, noise, log_snr, target)
    assert_allclose(convert(value, z, log_snr, source, target), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_error_ratio_is_the_ratio_of_converted_errors(draws, source, target):
    x0, noise, log_snr = draws
    z = diffuse(x0, noise, log_snr)
    value = from_x0_and_noise(x0, noise, log_snr, source)
    wrong = value + np.random.default_rng(1).normal(size=value.shape)
    error = convert(wrong, z, log_snr, source, target) - convert(value, z, log_snr, source, target)
    ratio = jnp.sum(error**2, (1, 2, 3)) / jnp.sum((wrong - value) ** 2, (1, 2, 3))
    assert_allclose(error_ratio(source, target, log_snr), ratio, rtol=1e-7)


def test_published_error_ratios():
    with jax.enable_x64(True):
        log_snr = jnp.linspace(-6, 6, 13)
        # x0-error = exp(-lambda) epsilon-error; v-error = epsilon-error / alpha^2.
        assert_allclose(error_ratio("epsilon", "x0", log_snr), np.exp(-log_snr))
        assert_allclose(error_ratio("epsilon", "v", log_snr), 1 + np.exp(-log_snr))


def test_the_process_preserves_variance_and_has_this_log_snr():
    with jax.enable_x64(True):
        log_snr = jnp.linspace(-12, 12, 9)
        assert_allclose(alpha(log_snr) ** 2 + sigma(log_snr) ** 2, np.ones(9))
        assert_allclose(np.log(alpha(log_snr) ** 2 / sigma(log_snr) ** 2), log_snr)
