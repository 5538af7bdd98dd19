"""Gradients of the loss: in parts as whole, and the same however a weighting is reached."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from scaling import build
from scaling.data.source import load
from scaling.train.gradients import gradients
from scaling.train.losses import Drawn, batches, weighted_losses
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


LAPLACE = {"name": "density", "density": {"name": "laplace"}}
SPLITS = {  # the same weighting: drawn, or weighted under another density
    "drawn": {"density": {"name": "laplace"}},
    "laplace": {"density": {"name": "laplace"}, "implied": LAPLACE},
    "cosine": {"density": {"name": "cosine"}, "implied": LAPLACE},
    "adaptive": {"density": {"name": "adaptive", "bins": 24}, "implied": LAPLACE},
    "learned": {"density": {"name": "learned", "bins": 24, "hidden": 4}, "implied": LAPLACE},
}


@pytest.mark.slow
def test_the_expected_gradient_is_the_same_however_a_weighting_is_split():
    """int p c grad err d lambda, summed exactly over a grid of levels with fixed noise."""
    small = {"patch_size": 4, "depth": 1, "width": 16, "heads": 1}
    levels = jnp.linspace(-10.0, 10.0, 401)
    keys = jax.random.split(jax.random.key(0), 4)
    images, noise = (jax.random.normal(key, (401, 4, 4, 1)) for key in keys[:2])
    tokens = jnp.zeros((401, 1), jnp.int32)
    network = build.network(tiny(model=small))
    parameters = jax.tree.map(
        lambda p: p + 0.1 * jax.random.normal(keys[2], p.shape), network.init(keys[3])
    )
    losses = weighted_losses(tiny(model=small))
    gradient = jax.jit(jax.grad(lambda *given: losses(*given).sum()))

    def counted(schedule, factor):
        """How often each level is drawn, and what it counts, once training moved the density."""
        state = schedule.init()
        error = jnp.exp(-((levels - 1) ** 2))
        state = jax.lax.fori_loop(0, 20, lambda _, s: schedule.update(s, levels, error), state)
        density = schedule.density(state)
        return density.pdf(levels), density.pdf(levels) * factor(density, levels)

    found = {}
    for name, diffusion in SPLITS.items():
        config = tiny(model=small, diffusion=diffusion)
        drawn, weight = jax.jit(partial(counted, build.schedule(config), build.factor(config)))()
        batch = Drawn(images, tokens, noise, levels, weight, drawn)
        found[name] = drawn, jax.tree.leaves(gradient(parameters, batch))
    target, expected = found.pop("drawn")
    assert sum(float(jnp.abs(leaf).max()) > 0.1 for leaf in expected) > len(expected) / 2
    for name, (drawn, leaves) in found.items():
        assert (float(jnp.abs(drawn / target - 1).max()) > 1) == (name != "laplace")
        for one, other in zip(expected, leaves, strict=True):
            # The implied weighting is scaled by a quadrature of its own, good to five digits.
            assert_allclose(other, one, rtol=1e-3, atol=1e-4 * float(np.abs(one).max()))
