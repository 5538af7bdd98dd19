"""A batch in parts has the gradient of the whole."""

import jax
import jax.numpy as jnp
import pytest
from numpy.testing import assert_allclose

from scaling import build
from scaling.data.source import load
from scaling.train.gradients import gradients
from scaling.train.losses import batches, weighted_losses
from tests.scaling.conftest import tiny


@pytest.mark.parametrize("parts", [2, 8])
def test_parts_add_up_to_the_whole(parts):
    config = tiny()
    source, losses = load(config.data), weighted_losses(config)
    draw = batches(config, source)
    drawn = draw(
        build.schedule(config).init(),
        source.arrays,
        jax.random.key(3),
        jnp.zeros(config.train.batch_size, jnp.int32),
    )
    parameters = jax.tree.map(
        lambda p: p + 0.1 * jax.random.normal(jax.random.key(p.size), p.shape),
        build.network(config).init(jax.random.key(0)),
    )
    each, whole = jax.jit(gradients(losses, 1))(parameters, drawn)
    each_again, added = jax.jit(gradients(losses, parts))(parameters, drawn)
    assert_allclose(each_again, each, rtol=1e-5)
    for one, other in zip(jax.tree.leaves(whole), jax.tree.leaves(added), strict=True):
        assert_allclose(other, one, rtol=1e-4, atol=1e-6 * float(jnp.abs(one).max() + 1e-3))


def test_parts_must_be_equal():
    with pytest.raises(ValueError, match="a batch of 16 has no 3 equal parts"):
        tiny(train__parts=3)
