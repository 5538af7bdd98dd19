"""Dropout in EDM2's blocks: what is dropped, where, and by which key."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from numpy.testing import assert_allclose

from models import FAMILIES
from models.compute import PLAIN, Compute
from models.networks.edm2.dropout import Dropout
from models.networks.edm2.network import Draws, ResidualBlock
from models.networks.functional import functional
from tests.models.small import inputs, noisy, shape_of

SHAPE = shape_of("edm2", "pooled")


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_the_share_is_dropped_and_the_mean_stays(share):
    x = jnp.full((8, 40, 40, 10), 3.0)
    found = Dropout(share=share, keys=jax.random.split(jax.random.key(0), 8))(x, 0)
    count, zeros = x.size, int(jnp.sum(found == 0))
    assert abs(zeros - share * count) < 5 * (count * share * (1 - share)) ** 0.5
    assert_allclose(found[found != 0], 3 / (1 - share), rtol=1e-6)


def test_places_and_examples_drop_independently_of_one_another():
    x = jnp.ones((2, 30, 30, 8))
    dropout = Dropout(share=0.5, keys=jax.random.split(jax.random.key(0), 2))
    masks = [np.ravel(mask) > 0 for place in (0, 1) for mask in dropout(x, place)]
    correlations = np.corrcoef(masks)[np.triu_indices(4, 1)]
    assert np.abs(correlations).max() < 5 / np.sqrt(masks[0].size)


def test_a_block_drops_right_before_its_second_convolution():
    """From there on it is linear, so its mean over many keys is the block that drops nothing."""
    spec = next(block for block in SHAPE.decoder if not block.attends)
    count = 2000
    keys = jax.random.split(jax.random.key(0), count)

    @jax.jit
    def both(key):
        block = ResidualBlock(spec, SHAPE, draws=Draws(nnx.Rngs(key), 10_000))
        of_x, of_c = jax.random.split(key)
        x = jax.random.normal(of_x, (1, spec.side, spec.side, spec.inputs))
        c = jax.random.normal(of_c, (1, SHAPE.embedding))
        many = jnp.repeat(x, count, 0), jnp.repeat(c, count, 0)
        return block(x, c)[0], block(*many, lambda y: Dropout(share=0.4, keys=keys)(y, 0))

    expected, found = both(jax.random.key(1))
    error = jnp.std(found, axis=0) / count**0.5
    assert error.min() > 1e-3
    assert (jnp.abs(jnp.mean(found, axis=0) - expected) / error).max() < 5


def dropped(compute):
    """(parameters, keys, noisy images, ...) -> the prediction with dropout."""
    net = functional("edm2", SHAPE, compute)

    def predict(parameters, keys, *given):
        return net.apply(parameters, *given, dropout=Dropout(share=0.3, keys=keys))

    return predict


def test_each_example_follows_its_own_key():
    parameters, given = noisy("edm2", SHAPE), inputs(SHAPE, batch=3)
    keys, order = jax.random.split(jax.random.key(1), 3), jnp.array([2, 0, 1])
    predict = jax.jit(dropped(PLAIN))
    found = predict(parameters, keys, *given)
    turned = predict(parameters, keys[order], *(x[order] for x in given))
    assert_allclose(turned, found[order], rtol=1e-4, atol=1e-4)
    other = predict(parameters, keys[order], *given)
    assert (jnp.abs(other - found).max(axis=(1, 2, 3)) > 1e-2).all()


@pytest.mark.slow
def test_what_is_computed_again_in_the_backward_pass_drops_the_same():
    parameters, given = noisy("edm2", SHAPE), inputs(SHAPE, batch=3)

    def slopes(compute):
        predict, keys = dropped(compute), jax.random.split(jax.random.key(1), 3)
        loss = jax.grad(lambda parameters: jnp.sum(predict(parameters, keys, *given) ** 2))
        return jax.tree.leaves(jax.jit(loss)(parameters))

    plain, again = slopes(PLAIN), slopes(Compute(rematerialise="all"))
    for one, two in zip(plain, again, strict=True):
        assert_allclose(two, one, rtol=1e-3, atol=1e-3 * float(jnp.abs(one).max()))


def test_only_the_family_whose_published_network_has_it_drops():
    assert [name for name, family in FAMILIES.items() if family.drops] == ["edm2"]
