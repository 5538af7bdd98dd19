"""The bound and the flow's density against the closed-form denoiser's own density."""

import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.stats import norm
from numpy.testing import assert_allclose

from models.diffusion import mixture
from models.diffusion.likelihood import BIN_WIDTH, bits_per_dimension, bound, dequantise, flow
from models.diffusion.predictions import to_x0_and_noise
from models.diffusion.process import PROCESSES, over_images, variance_preserving

LOW, HIGH = (
    -18.0,
    10.0,
)  # log q differs from N(0, I) by exp(LOW / 2) in a point, its square on average
DATA = {  # means [k, d] and deviation
    "gaussian": (np.array([[0.3, -0.5, 0.1]]), 0.4),
    "mixture": (np.array([[0.6, -0.5, 0.1], [-0.7, 0.2, 0.0], [0.1, 0.9, -0.4]]), 0.15),
}


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def from_x0(process, predict):
    """A denoiser that predicts x0 = predict(z, log_snr)."""

    def denoise(z, log_snr):
        return to_x0_and_noise(process, predict(z, log_snr), z, log_snr, "x0")

    return denoise


def oracle(process, data):
    means, deviation = DATA[data]
    return from_x0(
        process,
        lambda z, log_snr: mixture.posterior_mean(
            process, z, log_snr, jnp.asarray(means), deviation
        ),
    )


def draw(data, count, seed=0):
    means, deviation = DATA[data]
    rng = np.random.default_rng(seed)
    centres = means[rng.integers(len(means), size=count)]
    return jnp.asarray(centres + deviation * rng.normal(size=centres.shape))


def log_q(y, data, high=HIGH):
    """The density of y = x + exp(-high / 2) noise."""
    means, deviation = DATA[data]
    exploding = PROCESSES["variance_exploding"]()
    levels = jnp.full(len(y), high)
    return mixture.log_density(exploding, y, levels, jnp.asarray(means), deviation)


def keys(count, seed=1):
    return jax.random.split(jax.random.key(seed), count)


def mean_and_error(values):
    values = np.asarray(values)
    return values.mean(), values.std(ddof=1) / np.sqrt(len(values))


@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize("data", DATA)
def test_the_flow_has_the_data_s_density_in_every_process(process, data):
    y = draw(data, 200)
    process = PROCESSES[process]()
    probes = flow.basis(y.shape[1:], y.dtype)
    found = flow.log_density(
        process, oracle(process, data), y, probes, low=LOW, high=HIGH, steps=120
    )
    bits = bits_per_dimension(found - log_q(y, data), y.shape[1])
    assert np.abs(bits).max() < 1e-3


def test_the_flow_s_density_converges_at_fourth_order():
    y, process = draw("mixture", 20), variance_preserving()
    probes = flow.basis(y.shape[1:], y.dtype)
    denoise = oracle(process, "mixture")

    @partial(jax.jit, static_argnums=0)
    def density(steps):
        return flow.log_density(process, denoise, y, probes, low=LOW, high=HIGH, steps=steps)

    exact = density(400)
    errors = [float(jnp.abs(density(steps) - exact).max()) for steps in (60, 120)]
    assert_allclose(np.log2(errors[0] / errors[1]), 4.0, atol=0.3)


def test_random_probes_are_unbiased_and_unit_vectors_exact():
    process, level = variance_preserving(), jnp.float64(0.7)
    u = draw("mixture", 5)
    flow_of = flow.velocity(process, oracle(process, "mixture"))

    @jax.jit
    def function(at):
        return flow_of(at, level)

    jacobians = jax.vmap(jax.jacfwd(lambda one: function(one[None])[0]))(u)
    exact = np.trace(jacobians, axis1=1, axis2=2)
    value, found = flow.divergence(function, u, flow.basis(u.shape[1:], u.dtype))
    assert_allclose(value, function(u))
    assert_allclose(found, exact, rtol=1e-10)
    # All 2^3 sign patterns are equally likely: their mean is the expectation itself.
    signs = np.array(np.meshgrid(*[[-1.0, 1.0]] * 3)).reshape(3, -1).T
    _, found = flow.divergence(function, u, jnp.asarray(signs)[:, None])
    assert_allclose(found, exact, rtol=1e-10)
    probes = flow.rademacher(keys(5), 4000, (3,), u.dtype)
    assert set(np.unique(probes)) == {-1.0, 1.0}
    products = np.einsum("pbi,pbj->bij", probes, probes) / len(probes)
    assert_allclose(products, np.broadcast_to(np.eye(3), (5, 3, 3)), atol=5 / np.sqrt(4000))


def test_random_probes_agree_with_the_exact_trace_on_average():
    process, y = variance_preserving(), draw("mixture", 600)
    solve = partial(flow.log_density, process, oracle(process, "mixture"), y)
    exact = solve(flow.basis((3,), y.dtype), low=LOW, high=HIGH, steps=60)
    random = solve(flow.rademacher(keys(600), 1, (3,), y.dtype), low=LOW, high=HIGH, steps=60)
    difference, error = mean_and_error(random - exact)
    assert 0 < abs(difference) < 3 * error


@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize("data", DATA)
def test_the_best_denoiser_s_bound_is_the_negative_log_likelihood(process, data):
    """It is -E log q(y) over y = x + exp(-high / 2) noise, hence the entropy of y on average."""
    x0 = draw(data, 1500)
    process = PROCESSES[process]()
    found = bound.variational_bound(
        process,
        oracle(process, data),
        x0,
        keys(1500),
        low=LOW,
        high=HIGH,
        levels=64,
        discrete=False,
    )
    noise = np.random.default_rng(2).normal(size=x0.shape)
    exact = -log_q(x0 + math.exp(-HIGH / 2) * noise, data)
    difference, error = mean_and_error(found.total - exact)
    assert abs(difference) < 3 * error
    assert error < 0.02 * 3  # nats: 0.02 a dimension


def test_the_bound_is_exact_for_each_single_image():
    x0 = jnp.broadcast_to(jnp.array([0.5, -0.4, 0.2]), (4000, 3))
    process = variance_preserving()
    found = bound.variational_bound(
        process,
        oracle(process, "mixture"),
        x0,
        keys(4000),
        low=LOW,
        high=HIGH,
        levels=64,
        discrete=False,
    )
    noise = np.random.default_rng(3).normal(size=x0.shape)
    exact = -log_q(x0 + math.exp(-HIGH / 2) * noise, "mixture")
    difference, error = mean_and_error(found.total - exact)
    assert abs(difference) < 3 * error < 0.1


def test_a_worse_denoiser_has_a_looser_bound():
    x0, process = draw("gaussian", 400), variance_preserving()
    best = oracle(process, "gaussian")

    def biased(z, log_snr):
        return to_x0_and_noise(process, best(z, log_snr)[0] + 0.05, z, log_snr, "x0")

    run = partial(bound.variational_bound, process, low=LOW, high=HIGH, levels=32, discrete=False)
    extra = run(biased, x0, keys(400)).diffusion - run(best, x0, keys(400)).diffusion
    # 1/2 int e^lambda 3 (0.05)^2 dlambda; the cross term has mean zero.
    expected = 0.5 * 3 * 0.05**2 * (math.exp(HIGH) - math.exp(LOW))
    value, error = mean_and_error(extra)
    assert abs(value - expected) < 4 * error < 0.2 * expected


def test_the_prior_s_term_is_a_divergence_of_gaussians():
    x0 = draw("gaussian", 4)
    a2, b2 = 1 / (1 + math.exp(2.0)), 1 / (1 + math.exp(-2.0))
    expected = 0.5 * np.sum(b2 + a2 * np.asarray(x0) ** 2 - 1 - math.log(b2), axis=1)
    assert_allclose(bound.prior(x0, -2.0), expected)


def test_the_continuous_reconstruction_is_the_noise_s_entropy():
    x0 = draw("gaussian", 2)
    expected = 3 * 0.5 * math.log(2 * math.pi * math.e * math.exp(-HIGH))
    assert_allclose(bound.continuous_reconstruction(x0, HIGH), expected)


PIXELS = np.array([10, 90, 91, 200])
PROBABLE = np.array([0.5, 0.25, 0.125, 0.125])


def test_the_bound_of_discrete_data_is_their_entropy():
    process = variance_preserving()
    # Mixtures have equally likely components: each value as often as it is probable.
    means = jnp.asarray(np.repeat(PIXELS, (8 * PROBABLE).astype(int)) * BIN_WIDTH - 1)[:, None]
    denoise = from_x0(
        process,
        lambda z, log_snr: mixture.posterior_mean(process, z, log_snr, means, 0.0),
    )
    x0 = means[jnp.arange(2000) % 8]
    found = bound.variational_bound(
        process, denoise, x0, keys(2000), low=LOW, high=15.0, levels=128, discrete=True
    )
    value, error = mean_and_error(bits_per_dimension(found.total, 1))
    entropy = -np.sum(PROBABLE * np.log2(PROBABLE))
    assert abs(value - entropy) < 3 * error < 0.1
    assert float(found.reconstruction.max()) < 1e-4


def test_the_decoder_normalises_over_the_values():
    """As the noise grows, it knows nothing: eight bits each."""
    x0 = jnp.asarray(PIXELS * BIN_WIDTH - 1)[None]
    blind = bound.discrete_reconstruction(x0, keys(1), -30.0)
    assert_allclose(bits_per_dimension(blind, 4), 8.0, rtol=1e-5)
    sharp = bound.discrete_reconstruction(x0, keys(1), 18.0)
    assert_allclose(sharp, 0.0, atol=1e-12)


def uniform_bins(z, log_snr):
    """E[x0 | z] of x0 uniform on the bins about PIXELS: a mixture of truncated normals."""
    process = variance_preserving()
    alpha, sigma = (over_images(f(log_snr), z) for f in (process.alpha, process.sigma))
    y, s = z / alpha, sigma / alpha
    centres = jnp.asarray(PIXELS * BIN_WIDTH - 1)
    low, high = ((centres + half - y) / s for half in (-BIN_WIDTH / 2, BIN_WIDTH / 2))
    flip = jnp.where(low > 0, -1.0, 1.0)  # both ends below zero: their difference keeps its digits
    low, high = jnp.where(flip > 0, low, -high), jnp.where(flip > 0, high, -low)
    upper, lower = norm.logcdf(high), norm.logcdf(low)
    mass = upper + jnp.log(-jnp.expm1(lower - upper))
    share = jax.nn.softmax(jnp.log(jnp.asarray(PROBABLE)) + mass, axis=1)
    inside = (jnp.exp(norm.logpdf(low) - mass) - jnp.exp(norm.logpdf(high) - mass)) * flip
    return jnp.sum(share * (y + s * inside), axis=1, keepdims=True)


def test_dequantised_values_have_the_bins_probabilities():
    process = variance_preserving()
    index = np.arange(64) % 4
    x0 = jnp.asarray(PIXELS[index] * BIN_WIDTH - 1)[:, None]
    y = dequantise(x0, keys(64))
    assert_allclose(np.round((np.asarray(y)[:, 0] + 1) / BIN_WIDTH), PIXELS[index])
    assert np.ptp(np.asarray(y - x0)) > 0.9 * BIN_WIDTH
    found = flow.log_density(
        process,
        from_x0(process, uniform_bins),
        y,
        flow.basis((1,), y.dtype),
        low=-16.0,
        high=16.0,
        steps=800,
    )
    bits = bits_per_dimension(-found, 1, BIN_WIDTH)
    # Of the bins blurred by the noise of log-SNR 16, at y: close to the values' probabilities.
    edges = PIXELS * BIN_WIDTH - 1 + BIN_WIDTH / 2 * np.array([[-1.0], [1.0]])
    ends = norm.cdf((edges[:, None] - np.asarray(y)) / math.exp(-8.0))
    blurred = np.sum(PROBABLE * np.asarray(ends[1] - ends[0]), axis=1)
    assert_allclose(bits, -np.log2(blurred), atol=1e-3)
    assert_allclose(np.median(bits[index == 0]), 1.0, atol=1e-2)
