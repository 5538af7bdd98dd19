"""Layers against second implementations."""

import jax
import jax.numpy as jnp
import numpy as np
from numpy.testing import assert_allclose

from models.networks.attention import self_attend
from models.networks.layers import (
    layer_norm,
    log_snr_features,
    matrix_product,
    mean_embedding,
    patchify,
    positions_2d,
    unpatchify,
)


def plain_layer_norm(x):
    centred = x - x.mean(-1, keepdims=True)
    return centred / jnp.sqrt((centred**2).mean(-1, keepdims=True) + 1e-6)


def test_layer_norm_and_its_gradient_equal_the_automatic_ones():
    with jax.enable_x64(True):
        x, g = jax.random.normal(jax.random.key(0), (2, 3, 5, 12))
        value, pull = jax.vjp(layer_norm, x)
        expected, pull_plain = jax.vjp(plain_layer_norm, x)
        assert_allclose(value, expected, rtol=1e-12)
        assert_allclose(pull(g)[0], pull_plain(g)[0], rtol=1e-9, atol=1e-12)


def products(jaxpr):
    return [e for e in jaxpr.eqns if e.primitive.name == "dot_general"]


def test_a_linear_layer_and_its_gradients_are_products_of_two_matrices():
    with jax.enable_x64(True):
        x = jax.random.normal(jax.random.key(0), (2, 3, 5))
        kernel, g = jax.random.normal(jax.random.key(1), (5, 4)), jnp.arange(24.0).reshape(2, 3, 4)
        value, pull = jax.vjp(matrix_product, x, kernel)
        assert_allclose(value, np.einsum("bni,io->bno", x, kernel), rtol=1e-12)
        dx, dkernel = pull(g)
        assert_allclose(dx, np.einsum("bno,io->bni", g, kernel), rtol=1e-12)
        assert_allclose(dkernel, np.einsum("bni,bno->io", x, g), rtol=1e-12)

        def both(x, kernel, g):
            return jax.vjp(matrix_product, x, kernel)[1](g)

        found = products(jax.make_jaxpr(both)(x, kernel, g).jaxpr)
        assert found
        assert all(v.aval.ndim == 2 for equation in found for v in equation.invars)


def test_patches_round_trip_and_keep_pixels_together():
    images = jnp.arange(2 * 8 * 8 * 3, dtype=jnp.float32).reshape(2, 8, 8, 3)
    patches = patchify(images, 4)
    assert_allclose(unpatchify(patches, 4, 8, 8), images)
    assert_allclose(np.asarray(patches[0, 1]).reshape(4, 4, 3), images[0, :4, 4:])


def test_attention_equals_the_textbook():
    qkv = np.random.default_rng(0).normal(size=(2, 5, 3 * 12)).astype(np.float32)
    q, k, v = (part.reshape(2, 5, 3, 4) for part in np.split(qkv, 3, axis=-1))
    scores = np.einsum("bqhd,bkhd->bhqk", q, k) / np.sqrt(4)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    expected = np.einsum("bhqk,bkhd->bqhd", weights, v).reshape(2, 5, 12)
    assert_allclose(self_attend(jnp.asarray(qkv), 3), expected, rtol=2e-5, atol=1e-5)


def test_a_caption_is_the_mean_of_its_words_and_the_empty_one_has_its_own_row():
    table = jnp.asarray(np.random.default_rng(0).normal(size=(5, 3)), jnp.float32)
    tokens = jnp.array([[2, 4, 0], [0, 0, 0], [3, 0, 0]])
    expected = np.stack([(table[2] + table[4]) / 2, table[0], table[3]])
    assert_allclose(mean_embedding(table, tokens), expected, rtol=1e-6)


def test_positions_and_noise_levels_are_told_apart():
    places = positions_2d(4, 4, 12)
    distances = np.linalg.norm(places[:, None] - places[None], axis=-1)
    assert (distances + np.eye(16) > 0.3).all()
    features = np.asarray(log_snr_features(jnp.linspace(-10, 10, 201), 32))
    steps = np.linalg.norm(features[:, None] - features[None], axis=-1)
    assert (steps + np.eye(201) > 0.05).all()
