"""Power-function averages against their definition."""

import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad

from models import ema, ema_snapshots


@pytest.mark.parametrize("sigma_rel", [0.05, 0.1, 0.2])
def test_the_average_weighs_the_past_by_a_power(sigma_rel):
    # EDM2 Eq. 121: the weight of theta(s) at time t is (gamma + 1) s^gamma / t^(gamma + 1).
    gamma = ema.exponent(sigma_rel)
    steps = 4000
    times = np.arange(1, steps + 1)
    weights = np.zeros(steps)
    for t in times:
        beta = (1 - 1 / t) ** (gamma + 1)
        weights *= beta
        weights[t - 1] = 1 - beta
    assert_allclose(weights.sum(), 1.0)
    centre = (weights * times).sum() / steps
    spread = np.sqrt((weights * (times / steps - centre) ** 2).sum())
    assert_allclose(spread, sigma_rel, rtol=2e-3)
    profile = (gamma + 1) * (times / steps) ** gamma / steps
    assert_allclose(weights[steps // 2 :], profile[steps // 2 :], rtol=0.03)


def test_update_follows_the_same_recursion_and_a_constant_stays():
    values = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    average = {"w": jnp.zeros(3)}
    still = {"w": jnp.full(3, 2.5)}
    expected = np.zeros(3)
    for step, value in enumerate(values, start=1):
        beta = float(ema.decay(jnp.float32(step), 0.1))
        expected = beta * expected + (1 - beta) * value
        average = ema.update(average, {"w": jnp.asarray(value)}, jnp.float32(step), 0.1)
        still = ema.update(still, {"w": jnp.full(3, 2.5)}, jnp.float32(step), 0.1)
    assert_allclose(average["w"], expected, rtol=1e-4)
    assert_allclose(still["w"], 2.5)


def test_half_of_the_mass_lies_within_the_half_life():
    gamma = ema.exponent(0.1)
    start = 1 - ema.half_life(1.0, 0.1)
    assert_allclose(1 - start ** (gamma + 1), 0.5)


def test_the_published_exponents():
    # EDM2, section 3.1: widths of 0.05 and 0.10 have gamma of 16.97 and 6.94.
    assert_allclose(ema.exponent(0.05), 16.97, atol=5e-3)
    assert_allclose(ema.exponent(0.1), 6.94, atol=5e-3)


STEPS = 2000
EVEN = ema_snapshots.spaced_steps(STEPS, 16, "even")
STORED = [(step, width) for step in EVEN for width in (0.05, 0.1)]


@pytest.mark.parametrize(
    ("a", "b"), [((100, 0.05), (100, 0.05)), ((100, 0.05), (160, 0.2)), ((90, 0.1), (50, 0.05))]
)
def test_inner_products_equal_numerical_quadrature(a, b):
    def profile(step, sigma_rel, times):
        gamma = ema.exponent(sigma_rel)
        return np.where(times <= step, (gamma + 1) * times**gamma / step ** (gamma + 1), 0.0)

    found = ema_snapshots.inner_products([a, a], [b])
    expected, _ = quad(lambda t: profile(*a, t) * profile(*b, t), 0, min(a[0], b[0]), epsabs=1e-14)
    assert_allclose(found, [[expected], [expected]], rtol=1e-9)


def trajectory():
    """Weights that move like trained ones: a fast approach, a slow drift, a random walk, noise."""
    rng = np.random.default_rng(0)
    t = np.arange(1, STEPS + 1)[:, None]
    directions = rng.normal(size=(3, 40))
    walk = np.cumsum(rng.normal(size=(STEPS, 40)), axis=0) / np.sqrt(STEPS)
    drift = np.exp(-t / 300) * directions[0] + t / STEPS * directions[1]
    return 5.0 + directions[2] + drift + walk + 0.3 * rng.normal(size=(STEPS, 40))


def averages(values, widths):
    """Tracked directly, in float64: [step, width, ...]."""
    found = np.zeros((len(values), len(widths), values.shape[1]))
    for i, width in enumerate(widths):
        average = np.zeros(values.shape[1])
        for step, value in enumerate(values, start=1):
            beta = (1 - 1 / step) ** (ema.exponent(width) + 1)
            average = beta * average + (1 - beta) * value
            found[step - 1, i] = average
    return found


# Error relative to how far the average lies from the last weights (16 snapshots of two widths).
AGREEMENT = {0.03: 6e-3, 0.04: 2e-3, 0.07: 4e-4, 0.12: 4e-4, 0.15: 6e-4, 0.2: 4e-3}


@pytest.mark.parametrize("width", AGREEMENT)
def test_a_width_made_afterwards_agrees_with_the_tracked_one(width):
    values = trajectory()
    tracked = averages(values, (0.05, 0.1, width))
    stored = np.concatenate([tracked[step - 1, :2] for step in EVEN])
    made = ema_snapshots.coefficients(STORED, STEPS, width) @ stored
    error = np.linalg.norm(made - tracked[-1, 2]) / np.linalg.norm(tracked[-1, 2] - values[-1])
    assert error < AGREEMENT[width]


@pytest.mark.parametrize("width", [0.05, 0.1])
@pytest.mark.parametrize("step", [EVEN[-1], EVEN[5]])
def test_a_stored_average_is_made_of_itself_alone(width, step):
    seen = [place for place in STORED if place[0] <= step]
    shares = ema_snapshots.coefficients(seen, step, width)
    assert_allclose(shares, [float(place == (step, width)) for place in seen], atol=1e-6)


@pytest.mark.parametrize("width", [0.02, 0.07, 0.25])
def test_weights_that_never_moved_stay_whatever_the_width(width):
    assert_allclose(ema_snapshots.coefficients(STORED, STEPS, width).sum(), 1.0, atol=1e-9)


def test_more_snapshots_fit_the_profile_better():
    def error(count):
        steps = ema_snapshots.spaced_steps(STEPS, count, "even")
        stored = [(step, width) for step in steps for width in (0.05, 0.1)]
        return ema_snapshots.profile_error(stored, STEPS, 0.15)

    errors = [error(count) for count in (4, 8, 16, 32, 64)]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] < 0.12
    assert errors[-1] < 1e-3


def test_snapshots_from_the_future_are_refused():
    with pytest.raises(ValueError, match="needs snapshots up to it"):
        ema_snapshots.coefficients(STORED, STEPS - 1, 0.07)


def test_spaced_steps():
    assert ema_snapshots.spaced_steps(100, 4, "even") == (25, 50, 75, 100)
    assert ema_snapshots.spaced_steps(10_000, 3, "log") == (100, 1000, 10_000)
    assert ema_snapshots.spaced_steps(3, 8, "even") == (1, 2, 3)
    assert ema_snapshots.spaced_steps(100, 1, "log") == (100,)
    assert ema_snapshots.spaced_steps(100, 0, "even") == ()
