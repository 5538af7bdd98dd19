"""The DiT as a function, and its counts against the traced program."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from models import Inputs, count, ladder
from models.networks.dit.shape import DiTShape
from models.networks.functional import functional

RUNGS = {rung.name: rung for rung in ladder("dit")}
IMAGES = {
    "16 px": (Inputs(size=16, channels=3, vocabulary=50, length=4), 4),
    "8 px": (Inputs(size=8, channels=1, vocabulary=3, length=4), 2),
}


def shape_of(rung, image, **options):
    inputs, patch_size = IMAGES[image]
    return DiTShape(rung=RUNGS[rung], inputs=inputs, patch_size=patch_size, **options)


def inputs(shape, batch=2):
    z = jax.random.normal(
        jax.random.key(0), (batch, shape.inputs.size, shape.inputs.size, shape.inputs.channels)
    )
    return z, jnp.linspace(-3.0, 3.0, batch), jnp.ones((batch, 4), jnp.int32)


def product_flops(jaxpr):
    """FLOPs of every matrix product in a traced program, loops multiplied out."""
    total = 0
    for equation in jaxpr.eqns:
        name = equation.primitive.name
        if name == "dot_general":
            contract, _ = equation.params["dimension_numbers"][0]
            inner = np.prod([equation.invars[0].aval.shape[i] for i in contract])
            total += 2 * inner * np.prod(equation.outvars[0].aval.shape)
        times = equation.params["length"] if name == "scan" else 1
        for value in equation.params.values():
            for inner_jaxpr in value if isinstance(value, (list, tuple)) else (value,):
                if hasattr(inner_jaxpr, "eqns"):
                    total += times * product_flops(inner_jaxpr)
                elif hasattr(inner_jaxpr, "jaxpr"):
                    total += times * product_flops(inner_jaxpr.jaxpr)
    return int(total)


@pytest.mark.parametrize("image", IMAGES)
@pytest.mark.parametrize("rung", ["20k", "120k", "11M"])
def test_parameters_and_flops_equal_the_traced_programs(rung, image):
    shape = shape_of(rung, image)
    counts = count("dit", shape)
    net = functional("dit", shape)
    abstract = jax.eval_shape(net.init, jax.random.key(0))
    sizes = {
        jax.tree_util.keystr(path): leaf.size
        for path, leaf in jax.tree_util.tree_leaves_with_path(abstract)
    }
    assert counts.parameters == sum(sizes.values())
    assert counts.parameters_non_embedding == counts.parameters - sizes["['words']"]

    z, log_snr, tokens = inputs(shape, batch=1)
    forward = jax.make_jaxpr(net.apply)(abstract_like(abstract), z, log_snr, tokens)
    # The caption's mean over its four words is an einsum, which the count leaves out.
    words = 2 * 4 * shape.rung.width
    assert product_flops(forward.jaxpr) - words == counts.forward_flops

    def loss(parameters):
        return jnp.sum(net.apply(parameters, z, log_snr, tokens) ** 2)

    both = jax.make_jaxpr(jax.value_and_grad(loss))(abstract_like(abstract))
    assert product_flops(both.jaxpr) == pytest.approx(counts.training_flops, rel=0.005)


def abstract_like(tree):
    return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), tree)


@pytest.fixture(scope="module")
def network():
    shape = shape_of("40k", "8 px")
    net = functional("dit", shape)
    parameters = jax.jit(net.init)(jax.random.key(1))
    noisy = jax.tree.map(
        lambda p: p + 0.1 * jax.random.normal(jax.random.key(p.size), p.shape), parameters
    )
    return net, shape, parameters, noisy


def test_output_is_zero_at_first_and_blocks_are_the_identity(network):
    net, shape, parameters, _ = network
    assert_allclose(net.apply(parameters, *inputs(shape)), 0.0)
    assert_allclose(parameters["blocks"]["modulation"]["kernel"], 0.0)


def test_examples_do_not_see_each_other(network):
    net, shape, _, parameters = network
    z, log_snr, tokens = inputs(shape, batch=4)
    together = net.apply(parameters, z, log_snr, tokens)
    alone = [net.apply(parameters, z[i : i + 1], log_snr[i : i + 1], tokens[:1]) for i in range(4)]
    assert_allclose(together, jnp.concatenate(alone), rtol=1e-4, atol=1e-5)


def test_every_input_matters(network):
    net, shape, _, parameters = network
    z, log_snr, tokens = inputs(shape)
    base = net.apply(parameters, z, log_snr, tokens)
    for changed in (
        (z + 0.1, log_snr, tokens),
        (z, log_snr + 0.1, tokens),
        (z, log_snr, tokens + 1),
    ):
        assert float(jnp.max(jnp.abs(net.apply(parameters, *changed) - base))) > 1e-4


def test_a_looped_stack_equals_an_unrolled_one(network, monkeypatch):
    net, shape, _, parameters = network
    unrolled = net.apply(parameters, *inputs(shape))
    monkeypatch.setattr("models.networks.blocks.UNROLL_UP_TO", 0)
    assert_allclose(net.apply(parameters, *inputs(shape)), unrolled, rtol=1e-5, atol=1e-6)
