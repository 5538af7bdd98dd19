"""Noise drawn along a row is jax's own."""

import jax
import numpy as np
import pytest

from models.diffusion.noise import standard_normal


@pytest.mark.parametrize("batch", [False, True])
def test_a_row_holds_the_numbers_of_the_shape(batch):
    key, shape = jax.random.key(3), (5, 4, 4, 3)
    expected = jax.random.normal(key, shape)
    for draw in (
        standard_normal,
        jax.jit(standard_normal, static_argnums=1, static_argnames="batch"),
    ):
        # The same bits of the generator; XLA may round the few numbers at the end of a row, which
        # it computes one by one, otherwise than those that it computes side by side.
        np.testing.assert_array_max_ulp(draw(key, shape, batch=batch), expected, maxulp=8)


def test_each_key_of_a_batch_keeps_its_own():
    keys = jax.random.split(jax.random.key(0), 4)
    drawn = jax.vmap(lambda key: standard_normal(key, (2, 3, 1)))(keys)
    for key, noise in zip(keys, drawn, strict=True):
        np.testing.assert_array_equal(noise, jax.random.normal(key, (2, 3, 1)))
