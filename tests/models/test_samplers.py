"""Samplers against the exact flow and the exact marginals of a Gaussian and a mixture."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import solve_ivp

from models.diffusion import densities, mixture
from models.diffusion.process import PROCESSES, over_images, variance_exploding, variance_preserving
from models.diffusion.samplers import GRIDS, SAMPLERS, fresh_noise

DEVIATION, MEAN = 0.5, 0.7
LOW, HIGH = -6.0, 6.0
STEPS = (129, 257)
ORDERS = {"ddim": 1, "euler": 1, "heun": 2, "dpmpp_2m": 2}
STOCHASTIC = {
    "ancestral": (1, {}),
    "dpmpp_2m_sde": (2, {}),
    "heun": (2, {"churn": 10.0}),
}
# Three components that are one Gaussian, and three that are not.
GAUSSIAN = np.full((3, 2), MEAN)
MIXTURE = np.array([[-0.8, 0.3], [0.6, -0.5], [0.7, 0.9]])
BOTH = np.stack([GAUSSIAN, MIXTURE])
NOISE = np.random.default_rng(0).standard_normal((16, 2))


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def denoiser(process, means):
    """The closed form for Gaussians of equal deviation about the means."""

    def denoise(z, log_snr):
        x0 = mixture.posterior_mean(process, z, log_snr, means, DEVIATION)
        alpha, sigma = (over_images(f(log_snr), z) for f in (process.alpha, process.sigma))
        return x0, (z - alpha * x0) / sigma

    return denoise


def run(name, process, means, noise, levels, draw=None, **parameters):
    """x0 [data sets, images, 2] for each of the means [data sets, 3, 2]: the sampler, vmapped."""
    sampler = SAMPLERS[name](**parameters)

    def sample(means, noise, levels):
        return sampler.sample(process, denoiser(process, means), noise, levels, draw)

    compiled = jax.jit(
        jax.vmap(sample, (0, None, None)), compiler_options={"xla_backend_optimization_level": 0}
    )
    return np.asarray(compiled(*(jnp.asarray(a) for a in (means, noise, levels))))


@functools.cache
def sampled(name, process, steps):
    return run(name, PROCESSES[process](), BOTH, NOISE, np.linspace(LOW, HIGH, steps))


def solved(means):
    """x0 at the end of the flow, by scipy: in lambda, for z / alpha = x0 + s noise.

    Its derivative in s is the noise; it is the same in every process.
    """
    denoise = denoiser(variance_exploding(), jnp.asarray(means))

    @jax.jit
    def slope(log_snr, y):
        _, predicted = denoise(y.reshape(NOISE.shape), jnp.full(len(NOISE), log_snr))
        return (-0.5 * jnp.exp(-log_snr / 2) * predicted).ravel()

    start = math.exp(-LOW / 2) * NOISE.ravel()
    found = solve_ivp(slope, (LOW, HIGH), start, method="DOP853", rtol=1e-9, atol=1e-10)
    last = jnp.asarray(found.y[:, -1].reshape(NOISE.shape))
    return np.asarray(denoise(last, jnp.full(len(NOISE), HIGH))[0])


@functools.cache
def exact():
    return np.stack([solved(means) for means in BOTH])


def slope(errors):
    """How many times the error halves when the steps double."""
    return math.log2(errors[0] / errors[1])


def test_the_reference_is_the_closed_form_for_a_gaussian():
    def shrink(log_snr):
        return DEVIATION**2 / (DEVIATION**2 + math.exp(-log_snr))

    # z / alpha keeps its distance from the mean, measured in deviations; it starts at s noise.
    apart = (math.exp(-LOW / 2) * NOISE - MEAN) * math.sqrt(shrink(LOW) / shrink(HIGH))
    assert_allclose(exact()[0], MEAN + shrink(HIGH) * apart, atol=1e-7)


@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize("name", ORDERS)
def test_errors_against_the_exact_flow_fall_at_the_theoretical_order(name, process):
    for data, expected in enumerate(exact()):
        apart = [sampled(name, process, n)[data] - expected for n in STEPS]
        errors = [float(np.sqrt(np.mean(d**2))) for d in apart]
        assert_allclose(slope(errors), ORDERS[name], atol=0.2)


@pytest.mark.parametrize("name", ["ddim", "dpmpp_2m"])
def test_solvers_in_lambda_do_not_depend_on_the_process(name):
    """Processes differ by a factor on z alone."""
    expected, *others = (sampled(name, process, STEPS[0]) for process in PROCESSES)
    for other in others:
        assert_allclose(other, expected, rtol=1e-9)


def at(function, level):
    return float(function(jnp.asarray([level]))[0])


@functools.cache
def moments(name, process_name, steps, **parameters):
    """Mean and variance of x0 from one Gaussian, exactly.

    Every step is linear in z and in its fresh noise. Image 0 starts at the mean of z and gets no
    noise, image 1 starts a deviation off, image 2 + k gets a one as the noise of step k: what each
    adds to image 0 is a coefficient, and the variance is the sum of their squares.
    """
    process = PROCESSES[process_name]()
    alpha, sigma = at(process.alpha, LOW), at(process.sigma, LOW)
    noise = np.full((steps + 2, 1), alpha * MEAN / sigma)
    noise[1] += math.hypot(alpha * DEVIATION, sigma) / sigma

    def draw(number):
        return (jnp.arange(len(noise)) == number + 2).astype(float)[:, None]

    levels = np.linspace(LOW, HIGH, steps)
    x0 = run(name, process, GAUSSIAN[None, :1, :1], noise, levels, draw, **parameters)[0, :, 0]
    return x0[0], np.sum((x0[1:] - x0[0]) ** 2)


@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize("name", STOCHASTIC)
def test_errors_of_the_variance_fall_at_the_weak_order(name, process):
    """Its limit is that of E[x0 | z] at the last level: s^4 / (s^2 + 1 / SNR)."""
    order, parameters = STOCHASTIC[name]
    errors = []
    for steps in STEPS:
        mean, variance = moments(name, process, steps, **parameters)
        # Churn comes before the last evaluation, too.
        last = HIGH - 2 * math.log1p(parameters.get("churn", 0.0) / steps)
        errors.append(abs(variance - DEVIATION**4 / (DEVIATION**2 + math.exp(-last))))
        assert_allclose(mean, MEAN, atol=1e-3 if name == "heun" else 1e-12)
    assert_allclose(slope(errors), order, atol=0.2)


def edm_stochastic_sampler(denoise, noise, sigmas, draws, s_churn, s_tmin, s_tmax, s_noise):
    """Algorithm 2 of arXiv 2206.00364, line by line; `sigmas` ends with zero."""
    steps = len(sigmas) - 1
    x = sigmas[0] * noise
    for i in range(steps):
        inside = s_tmin <= sigmas[i] <= s_tmax
        gamma = min(s_churn / steps, math.sqrt(2) - 1) if inside else 0.0
        t = sigmas[i] + gamma * sigmas[i]
        x = x + math.sqrt(t**2 - sigmas[i] ** 2) * s_noise * draws[i]
        d = (x - denoise(x, t)) / t
        following = x + (sigmas[i + 1] - t) * d
        if sigmas[i + 1] != 0:
            ahead = (following - denoise(following, sigmas[i + 1])) / sigmas[i + 1]
            following = x + (sigmas[i + 1] - t) * (d / 2 + ahead / 2)
        x = following
    return x


@pytest.mark.parametrize("churn", [0.0, 2.5, 40.0])
def test_heun_is_edms_sampler(churn):
    steps, rho, largest, smallest = 9, 7.0, 20.0, 0.05
    i = np.arange(steps)
    ends = largest ** (1 / rho), smallest ** (1 / rho)
    sigmas = (ends[0] + i / (steps - 1) * (ends[1] - ends[0])) ** rho  # Eq. 5
    process = variance_exploding()
    low, high = -2 * math.log(largest), -2 * math.log(smallest)
    levels = GRIDS["power"](process, low, high, steps, rho=rho)
    assert_allclose(np.exp(-levels / 2), sigmas, rtol=1e-12)
    draws = np.random.default_rng(1).standard_normal((steps, *NOISE.shape))
    found = run(
        *("heun", process, MIXTURE[None], NOISE, levels, lambda i: jnp.asarray(draws)[i]),
        churn=churn,
        churn_log_snr_min=-2 * math.log(9.0),
        churn_log_snr_max=-2 * math.log(0.1),
        churn_noise=1.01,
    )

    def denoise(x, sigma):
        levels = jnp.full(len(x), -2 * math.log(sigma))
        x0 = mixture.posterior_mean(process, jnp.asarray(x), levels, jnp.asarray(MIXTURE), 0.5)
        return np.asarray(x0)

    setting = (churn, 0.1, 9.0, 1.01)
    expected = edm_stochastic_sampler(denoise, NOISE, [*sigmas, 0.0], draws, *setting)
    assert_allclose(found[0], expected, rtol=1e-9, atol=1e-9)


def test_ancestral_without_noise_is_ddim():
    levels = np.linspace(LOW, HIGH, STEPS[0])
    found = run(
        *("ancestral", variance_preserving(), BOTH, NOISE, levels),
        lambda _: jnp.full(NOISE.shape, 1e3),
        eta=0.0,
    )
    assert_allclose(found, sampled("ddim", "variance_preserving", STEPS[0]), rtol=1e-9)


@pytest.mark.parametrize("name", ["ancestral", "dpmpp_2m_sde"])
def test_stochastic_samplers_ask_for_noise(name):
    with pytest.raises(ValueError, match="adds noise at every step"):
        run(name, variance_preserving(), BOTH, NOISE, np.linspace(LOW, HIGH, 3))


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("steps", [2, 5])
def test_network_evaluations_are_counted(name, steps):
    calls = 0

    def denoise(z, log_snr):
        nonlocal calls
        calls += 1
        return z / 2, z / 2

    sampler, noise = SAMPLERS[name](), jnp.asarray(NOISE)
    with jax.disable_jit():
        levels = jnp.linspace(LOW, HIGH, steps)
        sampler.sample(variance_preserving(), denoise, noise, levels, lambda _: noise)
    assert calls == sampler.evaluations(steps)


def test_the_cosine_quantiles_are_uniform_times_of_the_variance_preserving_process():
    process = variance_preserving()
    density = densities.truncate(densities.cosine(), LOW, HIGH)
    by_density = GRIDS["quantiles"](process, LOW, HIGH, 11, density=density)
    assert_allclose(by_density, GRIDS["time"](process, LOW, HIGH, 11), atol=1e-9)


@pytest.mark.parametrize("process", PROCESSES)
def test_grids_rise_from_the_noisiest_level_to_the_cleanest(process):
    parameters = {"quantiles": {"density": densities.uniform(LOW, HIGH)}}
    for name, grid in GRIDS.items():
        levels = grid(PROCESSES[process](), LOW, HIGH, 7, **parameters.get(name, {}))
        assert_allclose([levels[0], levels[-1]], [LOW, HIGH], rtol=1e-9)
        assert (np.diff(levels) > 0).all()


def test_noise_of_an_image_does_not_depend_on_its_batch():
    keys = jax.random.split(jax.random.key(0), 5)
    whole, part = fresh_noise(keys, (2, 3)), fresh_noise(keys[3:], (2, 3))
    for number in (0, 4):
        assert_allclose(whole(jnp.asarray(number))[3:], part(jnp.asarray(number)))
    assert not np.allclose(whole(jnp.asarray(0)), whole(jnp.asarray(1)))
