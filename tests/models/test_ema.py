"""Power-function averages against their definition."""

import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from models import ema


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
