"""Predictions convert into one another exactly, in every process, and so do their errors."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from models.diffusion.predictions import (
    QUANTITIES,
    convert,
    denoiser,
    error_ratio,
    from_x0_and_noise,
)
from models.diffusion.process import PROCESSES, diffuse, over_images, variance_exploding

PAIRS = list(itertools.product(QUANTITIES, repeat=2))


@pytest.fixture(params=PROCESSES)
def process(request):
    return PROCESSES[request.param]()


@pytest.fixture
def draws():
    with jax.enable_x64(True):
        rng = np.random.default_rng(0)
        x0, noise = jnp.asarray(rng.normal(size=(2, 7, 4, 4, 3)))
        yield x0, noise, jnp.linspace(-8, 8, 7)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_converting_a_true_value_gives_the_true_value(process, draws, source, target):
    x0, noise, log_snr = draws
    z = diffuse(process, x0, noise, log_snr)
    value = from_x0_and_noise(process, x0, noise, log_snr, source)
    expected = from_x0_and_noise(process, x0, noise, log_snr, target)
    found = convert(process, value, z, log_snr, source, target)
    assert_allclose(found, expected, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_error_ratio_is_the_ratio_of_converted_errors(process, draws, source, target):
    x0, noise, log_snr = draws
    z = diffuse(process, x0, noise, log_snr)
    value = from_x0_and_noise(process, x0, noise, log_snr, source)
    wrong = value + np.random.default_rng(1).normal(size=value.shape)
    error = convert(process, wrong, z, log_snr, source, target) - convert(
        process, value, z, log_snr, source, target
    )
    ratio = jnp.sum(error**2, (1, 2, 3)) / jnp.sum((wrong - value) ** 2, (1, 2, 3))
    assert_allclose(error_ratio(process, source, target, log_snr), ratio, rtol=1e-6)


def test_published_error_ratios(process):
    with jax.enable_x64(True):
        log_snr = jnp.linspace(-6, 6, 13)
        t = 1 / (1 + np.exp(log_snr / 2))  # of flow matching
        # x0-error = exp(-lambda) epsilon-error; v-error = epsilon-error / alpha^2;
        # velocity-error = epsilon-error / (1 - t)^2.
        assert_allclose(error_ratio(process, "epsilon", "x0", log_snr), np.exp(-log_snr))
        assert_allclose(error_ratio(process, "epsilon", "v", log_snr), 1 + np.exp(-log_snr))
        assert_allclose(error_ratio(process, "epsilon", "velocity", log_snr), (1 - t) ** -2)


def test_log_snr_and_time_are_those_of_alpha_and_sigma(process):
    with jax.enable_x64(True):
        log_snr = jnp.linspace(-12, 12, 9)
        alpha, sigma = process.alpha(log_snr), process.sigma(log_snr)
        assert_allclose(2 * np.log(alpha / sigma), log_snr, atol=1e-12)
        assert_allclose(process.log_snr(process.time(log_snr)), log_snr, atol=1e-9)
        assert (np.diff(process.time(log_snr)) < 0).all()


def test_each_process_is_what_its_name_says():
    with jax.enable_x64(True):
        log_snr = jnp.linspace(-12, 12, 9)
        alpha, sigma = ({n: getattr(p(), s)(log_snr) for n, p in PROCESSES.items()} for s in SCALES)
        ones = np.ones(9)
        assert_allclose(alpha["variance_preserving"] ** 2 + sigma["variance_preserving"] ** 2, ones)
        assert_allclose(alpha["linear"] + sigma["linear"], ones)
        assert_allclose(alpha["variance_exploding"], ones)


SCALES = ("alpha", "sigma")


def test_edm_preconditioning_makes_input_and_target_of_unit_variance(draws):
    """The requirements from which EDM derives its preconditioning (arXiv 2206.00364, B.6)."""
    with jax.enable_x64(True):
        process = variance_exploding(0.5)
        rng = np.random.default_rng(2)
        x0, noise = 0.5 * rng.normal(size=(200_000, 1)), rng.normal(size=(200_000, 1))
        for level in (-6.0, 0.0, 3.0):
            log_snr = jnp.full(len(x0), level)
            z = diffuse(process, jnp.asarray(x0), jnp.asarray(noise), log_snr)
            read = over_images(process.input_scale(log_snr), z) * z
            target = from_x0_and_noise(process, jnp.asarray(x0), jnp.asarray(noise), log_snr, "edm")
            assert_allclose([read.std(), target.std()], 1, rtol=0.01)
            # The least amplification of the network's error, c_out, comes with target and input
            # uncorrelated.
            assert abs(np.mean(read * target)) < 0.01


def test_a_denoiser_undoes_the_prediction(process, draws):
    x0, noise, log_snr = draws
    z = diffuse(process, x0, noise, log_snr)
    for quantity in QUANTITIES:
        value = from_x0_and_noise(process, x0, noise, log_snr, quantity)

        def network(read, level, tokens, value=value):
            assert_allclose(read, over_images(process.input_scale(level), z) * z)
            return value

        tokens = jnp.zeros((7, 1), jnp.int32)
        found = denoiser(process, network, tokens, quantity)(z, log_snr)
        assert_allclose(found[0], x0, atol=1e-9)
        assert_allclose(found[1], noise, atol=1e-9)
