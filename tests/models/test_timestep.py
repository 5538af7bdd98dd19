"""Steps and times of published schedules against their definitions."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from models.networks.timestep import log_snr_of_steps, time_of, timestep_features, timestep_of

ENDS = {"linear": (1e-4, 0.02), "scaled_linear": (0.00085, 0.012)}


@pytest.mark.parametrize("schedule", ENDS)
def test_every_step_is_found_again(schedule):
    """By the product of 1 - beta, step by step."""
    low, high = ENDS[schedule]
    power = 0.5 if schedule == "scaled_linear" else 1.0
    signal, levels = 1.0, []
    for i in range(1000):
        beta = (low**power + (high**power - low**power) * i / 999) ** (1 / power)
        signal *= 1 - beta
        levels.append(math.log(signal / (1 - signal)))
    assert_allclose(log_snr_of_steps(schedule), levels, rtol=1e-9, atol=1e-10)
    found = timestep_of(jnp.asarray(levels, jnp.float32), schedule)
    assert_allclose(found, np.arange(1000), atol=1e-3)


def test_steps_stop_at_the_ends_and_move_between_them():
    assert_allclose(timestep_of(jnp.array([50.0, -50.0])), [0, 999])
    levels = log_snr_of_steps()
    middle = jnp.asarray((levels[100] + levels[101]) / 2, jnp.float32)
    assert_allclose(timestep_of(middle[None]), [100.5], atol=1e-3)


def test_time_inverts_the_schedule_without_steps():
    with jax.enable_x64(True):
        t = jnp.linspace(0.001, 1.0, 50)
        integral = 0.1 * t + 19.9 * t**2 / 2
        assert_allclose(time_of(-jnp.log(jnp.expm1(integral))), t, rtol=1e-9)


def test_features_are_cosines_and_sines_at_falling_frequencies():
    t = np.array([0.0, 3.0, 999.0], np.float32)
    expected = [
        [function(value * 10000 ** (-i / 8)) for function in (math.cos, math.sin) for i in range(8)]
        for value in t.tolist()
    ]
    assert_allclose(timestep_features(jnp.asarray(t), 16), expected, atol=1e-4)
    odd = timestep_features(jnp.asarray(t), 17)
    assert_allclose(odd[:, :16], expected, atol=1e-4)
    assert_allclose(odd[:, 16], 0.0)
