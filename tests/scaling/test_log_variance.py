"""A learned log-variance of the loss in training, for every family."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from pydantic import ValidationError

from scaling import build
from scaling.config import run_id
from scaling.config.cohort import cohort_key
from scaling.config.run import identity
from scaling.data.mixture import means
from scaling.data.source import load
from scaling.measure.meter import Meter
from scaling.schedules import profile
from scaling.train.gradients import gradients
from scaling.train.losses import batches, log_variance, weighted_losses
from scaling.train.program import make_program, rates
from tests.scaling.conftest import tiny

LEARNED = {"log_variance": {"name": "learned"}}
SMALL = {
    "dit": {"depth": 1, "width": 8, "heads": 1, "patch_size": 2},
    "uvit": {"family": "uvit", "depth": 1, "width": 8, "heads": 1, "patch_size": 2},
    "edm2": {"family": "edm2", "depth": 1, "width": 4, "heads": 1, "patch_size": 1},
}


def advanced(config, state, steps):
    """One run's state so many steps on; the mixture is endless and needs no indices."""
    source = load(config.data)
    rated = jax.tree.map(lambda number: number[None], rates(config))
    indices = jnp.zeros((1, 1, config.train.batch_size), jnp.int32).repeat(steps, 1)
    given = np.zeros(1, np.int32), rated, source.arrays, indices, np.int32(0), np.int32(steps)
    return make_program(config, source).advance(state, *given)


@pytest.mark.parametrize(
    "family", ["dit", *(pytest.param(name, marks=pytest.mark.slow) for name in ("uvit", "edm2"))]
)
def test_u_becomes_the_log_of_the_error_that_is_left_at_each_level(family):
    """A network of zeros that stays so predicts v = 0: E v^2 = alpha^2 + sigma^2 E x0^2."""
    config = tiny(
        model=SMALL[family],
        diffusion={"density": {"name": "uniform"}, "log_snr_min": -6.0, "log_snr_max": 6.0}
        | LEARNED,
        train__steps=1000,
        train__batch_size=32,
        train__learning_rate=1e-30,
        train__schedule="warmup_stable_decay",
        train__decay_fraction=0.9,
    )
    state = make_program(config, load(config.data)).init(np.zeros(1, np.int32))
    still = jax.tree.map(jnp.zeros_like, state.parameters)
    state = advanced(config, state._replace(parameters=still), 1000)
    levels = np.linspace(-5.5, 5.5, 23)
    square = np.mean(np.square(means(config.data))) + config.data.deviation**2
    expected = (np.exp(levels) + square) / (np.exp(levels) + 1)
    learned = jax.tree.map(lambda leaf: leaf[0], state.log_variance)
    found = log_variance(config).at(learned, jnp.asarray(levels, jnp.float32))
    assert_allclose(found, np.log(expected), atol=0.1)
    # What is recorded is the weighted loss itself, whatever it is divided by.
    density = build.schedule(config).density({})
    grid = np.linspace(-6, 6, 1001)
    mean = np.trapezoid(density.pdf(grid) * (np.exp(grid) + square) / (np.exp(grid) + 1), grid)
    assert_allclose(state.loss_sum / state.loss_count, mean, rtol=0.01)


def test_the_networks_gradient_is_that_of_the_published_loss():
    """Eq. 21's own, w err / exp(u) + u, with the network's parameters and u's together."""
    config = tiny(diffusion=LEARNED, model=SMALL["dit"])
    source, losses, u = load(config.data), weighted_losses(config), log_variance(config)
    draw, of_batch = batches(config, source), gradients(losses, 1)

    @jax.jit
    def both(key):
        keys = jax.random.split(key, 3)
        parameters = jax.tree.map(lambda p: p + 0.1, build.network(config).init(keys[0]))
        state = u.init(keys[1])
        drawn = draw({}, source.arrays, keys[2], jnp.zeros(config.train.batch_size, jnp.int32))

        def published(parameters, weights):
            level = u.at({**state, "weights": weights}, drawn.log_snr)
            return jnp.mean(losses(parameters, drawn) / jnp.exp(level) + level)

        expected = jax.grad(published, argnums=(0, 1))(parameters, state["weights"])
        each, found = of_batch(parameters, drawn._replace(log_variance=u.at(state, drawn.log_snr)))
        after = u.update(state, drawn.log_snr, each, jnp.float32(1))
        return expected, found, after["weights"] - state["weights"]

    (of_network, of_u), found, moved = both(jax.random.key(0))
    for one, other in zip(jax.tree.leaves(of_network), jax.tree.leaves(found), strict=True):
        assert_allclose(other, one, rtol=1e-4, atol=1e-5)
    # Adam's first step follows the gradient's signs.
    sizeable = jnp.abs(of_u) > 0.1 * jnp.abs(of_u).max()
    assert (jnp.sign(moved) == -jnp.sign(of_u))[sizeable].all()


def test_a_run_without_it_is_named_as_before_there_was_one():
    plain = tiny()
    spelled = tiny(diffusion={"log_variance": {"name": "none"}}, train__dropout=0.0)
    assert run_id(spelled) == run_id(plain)
    assert "log_variance" not in identity(plain)["diffusion"]
    assert "dropout" not in identity(plain)["train"]
    other = tiny(diffusion=LEARNED)
    assert "log_variance" in identity(other)["diffusion"]
    assert run_id(other) != run_id(plain)
    assert cohort_key(other) != cohort_key(plain)
    # Their training losses are of one kind.
    one, two = (Meter(c, load(c.data)).training_protocol for c in (plain, other))
    assert one == two


def test_no_weighting_is_claimed_where_training_divides_it():
    plain, learned = profile(tiny(), "plain"), profile(tiny(diffusion=LEARNED), "learned")
    assert plain.monotone
    assert not plain.learned
    assert not learned.monotone
    assert learned.learned
    assert_allclose(learned.weighting, plain.weighting)


def test_an_implied_weighting_is_refused_with_it():
    with pytest.raises(ValidationError, match="undoes implied 'elbo'; leave one out"):
        tiny(diffusion={"implied": {"name": "elbo"}} | LEARNED)
