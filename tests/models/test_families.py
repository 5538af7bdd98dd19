"""What every network holds to as a function of its inputs and parameters."""

from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from models.compute import Compute, Rematerialise
from models.networks.functional import functional
from tests.models.small import RUNGS, inputs, noisy, shape_of
from tests.models.traced import factors, programs

CASES = [
    ("dit", "class"),
    ("dit", "in context"),
    ("dit", "cross-attention to vectors"),
    ("uvit", "class"),
    ("uvit", "pooled"),
    ("uvit", "vectors in context"),
    ("edm2", "pooled"),
]
STACKED = [case for case in CASES if case[0] != "edm2"]
KEEPS_FLOAT32 = {"edm2"}  # where it makes its condition


class Network(NamedTuple):
    """A family's function, compiled, and parameters none of which is zero."""

    family: str
    shape: Any
    apply: Any
    parameters: Any

    def again(self, **options):
        return jax.jit(functional(self.family, self.shape, Compute(**options)).apply)


@pytest.fixture(scope="module", params=CASES, ids=" ".join)
def network(request):
    family, variant = request.param
    shape = shape_of(family, variant)
    apply = jax.jit(functional(family, shape).apply)
    return Network(family, shape, apply, noisy(family, shape))


def test_examples_do_not_see_each_other(network):
    given = inputs(network.shape)
    together = network.apply(network.parameters, *given)
    for i in range(2):
        alone = network.apply(network.parameters, *(each[i : i + 1] for each in given))
        assert_allclose(together[i : i + 1], alone, rtol=1e-4, atol=1e-4)


def test_every_input_matters_to_every_example(network):
    z, log_snr, tokens = inputs(network.shape)
    base = network.apply(network.parameters, z, log_snr, tokens)
    for changed in (
        (z + 0.1, log_snr, tokens),
        (z, log_snr + 1.0, tokens),
        (z, log_snr, tokens[::-1]),
    ):
        difference = jnp.abs(network.apply(network.parameters, *changed) - base)
        assert (jnp.max(difference, axis=(1, 2, 3)) > 1e-4).all()


def test_every_parameter_matters(network):
    given, random = inputs(network.shape), np.random.default_rng(2)
    base = network.apply(network.parameters, *given)
    leaves, tree = jax.tree.flatten(network.parameters)
    for i, (path, leaf) in enumerate(jax.tree_util.tree_leaves_with_path(network.parameters)):
        moved = leaf + 0.1 * random.normal(size=leaf.shape).astype(np.float32)
        other = jax.tree.unflatten(tree, [*leaves[:i], moved, *leaves[i + 1 :]])
        difference = float(jnp.max(jnp.abs(network.apply(other, *given) - base)))
        assert difference > 1e-4, jax.tree_util.keystr(path)


@pytest.mark.parametrize("network", STACKED, indirect=True, ids=" ".join)
def test_a_looped_stack_equals_an_unrolled_one(network, monkeypatch):
    unrolled = network.apply(network.parameters, *inputs(network.shape))
    monkeypatch.setattr("models.networks.blocks.UNROLL_UP_TO", 0)
    looped = network.again()(network.parameters, *inputs(network.shape))
    assert_allclose(looped, unrolled, rtol=1e-4, atol=1e-4)


def test_bfloat16_is_kept_inside_and_close_to_float32(network):
    given = network.parameters, *inputs(network.shape)
    exact, low = network.apply(*given), network.again(precision="bfloat16")
    rough = low(*given)
    assert rough.dtype == jnp.float32
    error = float(jnp.linalg.norm(rough - exact) / jnp.linalg.norm(exact))
    assert 1e-4 < error < 0.03
    kept = {"float32"} if network.family in KEEPS_FLOAT32 else set()
    assert factors(low, *given) == {"bfloat16"} | kept


def test_the_attention_that_is_asked_for_is_taken(network):
    """cuDNN's cannot be had here, which is said only where somebody tries."""
    with pytest.raises(ValueError, match="attention by cuDNN cannot be had here"):
        jax.eval_shape(network.again(attention="cudnn"), network.parameters, *inputs(network.shape))


@cache
def gradients(family, variant, rematerialise: Rematerialise = "nothing"):
    depth = {"dit": 1, "uvit": 3, "edm2": 1}[family]
    shape = shape_of(family, variant, rung=replace(RUNGS[family], depth=depth))
    _, training = programs(family, shape, Compute(rematerialise=rematerialise))
    return jax.jit(training)(noisy(family, shape), *inputs(shape))[1]


@pytest.mark.parametrize(
    ("family", "variant", "rematerialise"),
    [
        ("dit", "cross-attention", "all"),
        ("uvit", "pooled", "all_but_products"),
        pytest.param("edm2", "pooled", "all", marks=pytest.mark.slow),
        pytest.param("edm2", "pooled", "all_but_products", marks=pytest.mark.slow),
        pytest.param("uvit", "pooled", "all", marks=pytest.mark.slow),
    ],
)
def test_rematerialised_gradients_equal_plain_ones(family, variant, rematerialise):
    plain, again = gradients(family, variant), gradients(family, variant, rematerialise)
    for found, leaf in zip(jax.tree.leaves(again), jax.tree.leaves(plain), strict=True):
        assert_allclose(found, leaf, rtol=1e-3, atol=1e-4 * float(jnp.max(jnp.abs(leaf))))
