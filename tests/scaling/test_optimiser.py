"""AdamW and its schedule against their definitions."""

import jax.numpy as jnp
import numpy as np
import optax
from numpy.testing import assert_allclose

from scaling.config import TrainConfig
from scaling.train import optimiser


def shares(**settings):
    config = TrainConfig(steps=100, **settings)
    return np.array([optimiser.schedule(config, jnp.int32(step)) for step in range(100)])


def test_constant_rate_after_a_linear_rise():
    expected = np.minimum(np.arange(1, 101) / 10, 1)
    assert_allclose(shares(warmup_fraction=0.1), expected, rtol=1e-6)


def test_stable_decay_falls_to_zero_at_the_end_and_is_constant_before():
    found = shares(schedule="warmup_stable_decay", warmup_fraction=0.1, decay_fraction=0.2)
    assert_allclose(found[:80], shares(warmup_fraction=0.1)[:80])
    assert_allclose(found[80:], 1 - np.arange(20) / 20, rtol=1e-5)


def released_edm2(step, reference, warmup):
    """Its `learning_rate_schedule`, of images counted before the step, for a batch of one."""
    return min((step + 1) / warmup, 1) / np.sqrt(max(step / reference, 1))


def test_an_inverse_root_is_that_of_the_released_edm2_after_the_same_rise():
    found = shares(schedule="inverse_sqrt", reference_steps=25, warmup_fraction=0.4)
    assert_allclose(found, [released_edm2(step, 25, 40) for step in range(100)], rtol=1e-6)
    held = shares(schedule="inverse_sqrt", reference_steps=100, warmup_fraction=0.1)
    assert_allclose(held, shares(warmup_fraction=0.1))


def test_updates_equal_optax_adamw_with_clipping():
    config = TrainConfig(
        steps=50, learning_rate=0.01, weight_decay=0.3, gradient_clip=0.5, warmup_fraction=0.0
    )
    reference = optax.chain(
        optax.clip_by_global_norm(0.5), optax.adamw(0.01, b1=0.9, b2=0.99, weight_decay=0.3)
    )
    rng = np.random.default_rng(0)
    parameters = {"kernel": jnp.asarray(rng.normal(size=(3, 4)), jnp.float32)}
    expected, moments = parameters, reference.init(parameters)
    state = optimiser.init(config, parameters)
    for step in range(5):
        gradients = {"kernel": jnp.asarray(rng.normal(size=(3, 4)), jnp.float32)}
        parameters, state, norm = optimiser.update(
            config,
            optimiser.rates(config, config.learning_rate),
            gradients,
            state,
            parameters,
            jnp.int32(step),
        )
        changes, moments = reference.update(gradients, moments, expected)
        expected = optax.apply_updates(expected, changes)
        assert_allclose(norm, np.linalg.norm(gradients["kernel"]), rtol=1e-6)
    assert_allclose(parameters["kernel"], expected["kernel"], rtol=1e-5)


def test_weight_decay_spares_biases_and_embeddings():
    config = TrainConfig(steps=1, learning_rate=0.1, weight_decay=1.0, warmup_fraction=0.0)
    parameters = {"bias": jnp.ones(3), "kernel": jnp.ones((3, 3)), "words": jnp.ones((5, 3))}
    zero = {name: jnp.zeros_like(value) for name, value in parameters.items()}
    state = optimiser.init(config, parameters)
    moved, _, _ = optimiser.update(
        config, optimiser.rates(config, config.learning_rate), zero, state, parameters, jnp.int32(0)
    )
    assert_allclose(moved["bias"], 1.0)
    assert_allclose(moved["words"], 1.0)
    assert_allclose(moved["kernel"], 0.9, rtol=1e-6)
