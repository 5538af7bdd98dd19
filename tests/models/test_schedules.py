"""Densities that training finds, against the optima that they are to find."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from models.diffusion.densities import truncate
from models.diffusion.densities.closed_form import cosine
from models.diffusion.densities.schedules import adaptive, fixed, learned

LOW, HIGH = -6.0, 8.0


def mean_error(level):
    return 0.05 + np.exp(-((np.asarray(level) - 1.0) ** 2) / 2)


def run(schedule, steps, batch=64, spread=0.5):
    """Draw noisy integrands w err with a known mean, as training does; the final density."""

    def step(state, key):
        density = schedule.density(state)
        keys = jax.random.split(key)
        log_snr = density.quantile(jax.random.uniform(keys[0], (batch,)))
        mean = 0.05 + jnp.exp(-((log_snr - 1.0) ** 2) / 2)
        noise = jnp.exp(spread * jax.random.normal(keys[1], (batch,)) - spread**2 / 2)
        return schedule.update(state, log_snr, mean * noise), None

    keys = jax.random.split(jax.random.key(0), steps)
    state, _ = jax.lax.scan(step, schedule.init(), keys)
    return schedule.density(state)


def second_moment(pdf, levels):
    return np.trapezoid(mean_error(levels) ** 2 / pdf, levels)


def test_adaptive_becomes_proportional_to_the_error():
    density = run(adaptive(LOW, HIGH, bins=28, decay=0.995, explore=0.0), 2000)
    centres = np.linspace(LOW + 0.25, HIGH - 0.25, 28)
    levels = np.linspace(LOW, HIGH, 5001)
    expected = mean_error(centres) / np.trapezoid(mean_error(levels), levels)
    assert_allclose(density.pdf(jnp.asarray(centres)), expected, rtol=0.15, atol=0.003)


@pytest.mark.parametrize("name", ["adaptive", "learned"])
def test_the_second_moment_falls_to_near_its_least(name):
    """By Cauchy and Schwarz int (w err)^2 / p is least, (int w err)^2, for p ~ w err."""
    schedule = {
        "adaptive": adaptive(LOW, HIGH, bins=40, decay=0.99, explore=0.05),
        "learned": learned(LOW, HIGH, bins=40, hidden=16, learning_rate=0.03, explore=0.05),
    }[name]
    levels = np.linspace(LOW, HIGH, 2001)
    least = np.trapezoid(mean_error(levels), levels) ** 2
    before = second_moment(truncate(cosine(), LOW, HIGH).pdf(levels), levels)
    after = second_moment(np.asarray(run(schedule, 1500).pdf(jnp.asarray(levels))), levels)
    assert before > 1.3 * least
    assert least < after < 1.12 * least


def test_a_learned_schedule_begins_even():
    schedule = learned(LOW, HIGH, bins=40, hidden=16, learning_rate=0.03, explore=0.05)
    pdf = schedule.density(schedule.init()).pdf(jnp.linspace(LOW, HIGH, 41))
    assert_allclose(pdf, 1 / (HIGH - LOW), rtol=0.25)


def test_an_adaptive_schedule_begins_as_the_cosine():
    schedule = adaptive(LOW, HIGH, bins=280, decay=0.99, explore=0.0)
    levels = np.linspace(-5, 7, 25) + 0.01
    found = schedule.density(schedule.init()).pdf(jnp.asarray(levels))
    assert_allclose(found, truncate(cosine(), LOW, HIGH).pdf(levels), rtol=0.03)


def test_a_fixed_schedule_has_no_state():
    schedule = fixed(cosine())
    state = schedule.init()
    assert jax.tree.leaves(state) == []
    assert jax.tree.leaves(schedule.update(state, jnp.zeros(3), jnp.zeros(3))) == []
