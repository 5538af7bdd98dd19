"""The U-ViT as a function, its counts against traced and compiled programs, its checkpoints."""

import re
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from models import FAMILIES, Inputs, count, ladder
from models.compute import Compute
from models.diffusion.densities import linear_beta
from models.ladder import Rung
from models.networks.functional import functional
from models.networks.uvit.checkpoint import from_public, to_public
from models.networks.uvit.noise import continuous_step, stable_diffusion_step
from models.networks.uvit.shape import UViTShape

RUNGS = {rung.name: rung for rung in ladder("uvit")}
TINY = Rung(name="tiny", depth=5, width=16, heads=2)
CLASS = Inputs(size=8, channels=2, vocabulary=7)
WORDS = Inputs(size=8, channels=2, vocabulary=7, length=4)
VECTORS = Inputs(size=8, channels=2, length=4, embedding_width=6)
WAYS = {
    "none": (CLASS, "none"),
    "class": (CLASS, "class"),
    "pooled": (WORDS, "pooled"),
    "in context": (WORDS, "in_context"),
    "pooled vectors": (VECTORS, "pooled"),
    "vectors in context": (VECTORS, "in_context"),
}


def shape_of(way, rung=TINY, **options):
    given, conditioning = WAYS[way]
    return UViTShape(rung=rung, inputs=given, patch_size=2, conditioning=conditioning, **options)


def inputs(shape, batch=4):
    about = shape.inputs
    z = jax.random.normal(jax.random.key(0), (batch, about.size, about.size, about.channels))
    if about.embedding_width:
        tokens = jax.random.normal(jax.random.key(1), (batch, about.length, about.embedding_width))
    else:
        tokens = jnp.arange(batch * about.length).reshape(batch, -1) % (about.vocabulary - 1) + 1
    return z, jnp.linspace(-3.0, 3.0, batch), tokens


def product_flops(jaxpr):
    """FLOPs of every matrix product and convolution of a traced program, loops multiplied out."""
    total = 0
    for equation in jaxpr.eqns:
        kind = equation.primitive.name
        if kind == "dot_general":
            contracted, _ = equation.params["dimension_numbers"][0]
            inner = np.prod([equation.invars[0].aval.shape[i] for i in contracted])
            total += 2 * inner * np.prod(equation.outvars[0].aval.shape)
        if kind == "conv_general_dilated":
            kernel = equation.invars[1].aval.shape
            outputs = kernel[equation.params["dimension_numbers"].rhs_spec[0]]
            inner = np.prod(kernel) / outputs
            total += 2 * inner * np.prod(equation.outvars[0].aval.shape)
        times = equation.params["length"] if kind == "scan" else 1
        for value in equation.params.values():
            inner = getattr(value, "jaxpr", value)
            if hasattr(inner, "eqns"):
                total += times * product_flops(inner)
    return int(total)


def zeros_like(tree):
    return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), tree)


def programs(shape, batch=1):
    """The forward pass and the training step's gradients as functions of the parameters."""
    net, given = functional("uvit", shape), inputs(shape, batch)

    def forward(parameters):
        return net.apply(parameters, *given)

    def loss(parameters):
        return jnp.sum(forward(parameters) ** 2)

    return forward, jax.value_and_grad(loss), jax.eval_shape(net.init, jax.random.key(0))


@pytest.mark.parametrize(
    ("way", "rung"), [*((way, "20k") for way in WAYS), ("pooled", "1M"), ("in context", "11M")]
)
def test_parameters_and_flops_equal_the_traced_programs(way, rung):
    shape = shape_of(way, RUNGS[rung])
    counts = count("uvit", shape)
    forward, both, abstract = programs(shape)
    sizes = {name: sum(leaf.size for leaf in jax.tree.leaves(abstract[name])) for name in abstract}
    assert counts.parameters == sum(sizes.values())
    tables = sizes["positions"] + sizes.get("words", 0)
    assert counts.parameters_non_embedding == counts.parameters - tables

    assert (
        product_flops(jax.make_jaxpr(forward)(zeros_like(abstract)).jaxpr) == counts.forward_flops
    )
    traced = product_flops(jax.make_jaxpr(both)(zeros_like(abstract)).jaxpr)
    assert traced == pytest.approx(counts.training_flops, rel=0.005)


@pytest.mark.parametrize(("depth", "width"), [(1, 1536), (3, 1536), (5, 1920)])
def test_flops_equal_the_compilers(depth, width):
    shape = shape_of("pooled", Rung(name="", depth=depth, width=width, heads=2))
    counts = count("uvit", shape)
    forward, both, abstract = programs(shape)
    for program, counted, relative in (
        (forward, counts.forward_flops, 0.01),
        (both, counts.training_flops, 0.03),
    ):
        compiled = jax.jit(program).lower(abstract).compile()
        assert compiled.cost_analysis()["flops"] == pytest.approx(counted, rel=relative)


@pytest.mark.parametrize("published", FAMILIES["uvit"].published, ids=lambda p: p.name)
def test_published_parameters(published):
    counts = count("uvit", published.shape)
    assert f"{counts.parameters / 1e6:.0f}" == published.parameters


def test_rungs_are_named_by_their_parameters():
    units = {"k": 1e3, "M": 1e6}
    about = Inputs(size=16, channels=3, vocabulary=490, length=5)
    for name, rung in RUNGS.items():
        if name[-1] in units and name[0].isdigit():
            shape = UViTShape(rung=rung, inputs=about, patch_size=2)
            nominal = float(name[:-1]) * units[name[-1]]
            assert count("uvit", shape).parameters == pytest.approx(nominal, rel=0.07)


@pytest.fixture(scope="module", params=["class", "pooled", "vectors in context"])
def network(request):
    """(apply, shape, parameters of which none is zero)."""
    shape = shape_of(request.param)
    net = functional("uvit", shape)
    leaves, tree = jax.tree.flatten(jax.jit(net.init)(jax.random.key(1)))
    noisy = [
        leaf + 0.3 * jax.random.normal(jax.random.key(i), leaf.shape)
        for i, leaf in enumerate(leaves)
    ]
    return jax.jit(net.apply), shape, jax.tree.unflatten(tree, noisy)


def test_examples_do_not_see_each_other(network):
    apply, shape, parameters = network
    together = apply(parameters, *inputs(shape))
    alone = [apply(parameters, *(given[i : i + 1] for given in inputs(shape))) for i in range(4)]
    assert_allclose(together, jnp.concatenate(alone), rtol=1e-4, atol=1e-4)


def test_every_input_and_every_parameter_matters(network):
    apply, shape, parameters = network
    z, log_snr, tokens = inputs(shape)
    base = apply(parameters, z, log_snr, tokens)
    moved = {
        "z": apply(parameters, z + 0.1, log_snr, tokens),
        "log_snr": apply(parameters, z, log_snr + 0.1, tokens),
        "tokens": apply(parameters, z, log_snr, jnp.zeros_like(tokens)),
    }
    differs = {name: float(jnp.max(jnp.abs(out - base))) > 1e-3 for name, out in moved.items()}
    assert differs == {"z": True, "log_snr": True, "tokens": shape.conditioning != "none"}

    gradients = jax.grad(lambda p: jnp.sum(apply(p, z, log_snr, tokens) ** 2))(parameters)
    for path, leaf in jax.tree_util.tree_leaves_with_path(gradients):
        assert float(jnp.max(jnp.abs(leaf))) > 0, jax.tree_util.keystr(path)


def test_padding_and_order_of_a_pooled_caption_do_not_matter():
    shape = shape_of("pooled")
    net = functional("uvit", shape)
    parameters = net.init(jax.random.key(0))
    z, log_snr, _ = inputs(shape, batch=1)

    def of(*words):
        return net.apply(parameters, z, log_snr, jnp.array([words]))

    assert_allclose(of(3, 5, 0, 0), of(0, 5, 0, 3), atol=1e-6)
    assert float(jnp.max(jnp.abs(of(3, 5, 0, 0) - of(3, 5, 5, 0)))) > 1e-5


def test_a_skip_connection_joins_each_pair_of_blocks():
    """With blocks that add nothing, out block j gives W (x, what in block j gave)."""
    shape = shape_of("none")
    net = functional("uvit", shape)
    parameters = net.init(jax.random.key(0))
    for name in ("in_blocks", "middle_block", "out_blocks"):
        for layer in ("out", "contract"):
            parameters[name][layer] = zeros_like(parameters[name][layer])
    kernel = np.zeros(parameters["out_blocks"]["skip"]["kernel"].shape, np.float32)
    width = shape.rung.width
    for j, (of_x, of_skip) in enumerate([(0.25, 0.5), (2.0, 1.0)]):
        kernel[j, :width], kernel[j, width:] = of_x * np.eye(width), of_skip * np.eye(width)
    parameters["out_blocks"]["skip"]["kernel"] = jnp.asarray(kernel)
    z, log_snr, tokens = inputs(shape)

    # in blocks add c to nothing but their own output: block 1 ends 1 higher than block 0.
    bias = parameters["in_blocks"]["contract"]["bias"]
    parameters["in_blocks"]["contract"]["bias"] = bias.at[1, 0].add(1.0)
    given = jax.jit(net.apply)(parameters, z, log_snr, tokens)

    # x -> x + e -> 2 (x + e) + (x + e) = 3 x + 3 e -> (3 x + 3 e) / 4 + x / 2 = 1.25 x + 0.75 e
    one = replace(shape, rung=replace(shape.rung, depth=1))
    alone = {k: v for k, v in parameters.items() if k not in ("in_blocks", "out_blocks")}
    positions = parameters["positions"]
    alone["patch"] = jax.tree.map(lambda a: 1.25 * a, parameters["patch"])
    alone["positions"] = (1.25 * positions).at[:, 0].add(0.75)
    patches_only = functional("uvit", one).apply(alone, z, log_snr, tokens)
    assert_allclose(given, patches_only, atol=1e-5)


def test_a_looped_stack_equals_an_unrolled_one(network, monkeypatch):
    apply, shape, parameters = network
    unrolled = apply(parameters, *inputs(shape))
    monkeypatch.setattr("models.networks.blocks.UNROLL_UP_TO", 0)
    looped = jax.jit(functional("uvit", shape).apply)(parameters, *inputs(shape))
    assert_allclose(looped, unrolled, rtol=1e-4, atol=1e-4)


def test_bfloat16_is_close_to_float32(network):
    apply, shape, parameters = network
    lower = functional("uvit", shape, Compute(precision="bfloat16"))
    exact = apply(parameters, *inputs(shape))
    given = jax.jit(lower.apply)(parameters, *inputs(shape))
    assert given.dtype == jnp.float32
    error = float(jnp.linalg.norm(given - exact) / jnp.linalg.norm(exact))
    assert 1e-4 < error < 0.05
    program = str(jax.make_jaxpr(lower.apply)(parameters, *inputs(shape)))
    products = re.findall(r":(\w+)\[\d+,\d+\] = dot_general", program)
    assert products and set(products) == {"bf16"}  # of attention, scores are float32


@pytest.mark.parametrize("rematerialise", ["all", "all_but_products"])
def test_rematerialised_gradients_equal_plain_ones(rematerialise):
    shape = shape_of("pooled")
    given = inputs(shape)
    parameters = functional("uvit", shape).init(jax.random.key(0))

    def gradients(compute):
        net = functional("uvit", shape, compute)
        return jax.jit(jax.grad(lambda p: jnp.sum(net.apply(p, *given) ** 2)))(parameters)

    pairs = zip(
        jax.tree.leaves(gradients(Compute())),
        jax.tree.leaves(gradients(Compute(rematerialise=rematerialise))),
        strict=True,
    )
    for plain, again in pairs:
        assert_allclose(again, plain, rtol=1e-4, atol=1e-5)


def test_continuous_steps_are_those_of_the_linear_schedule():
    t = np.linspace(0.02, 1.0, 40)
    log_snr = linear_beta().quantile(1 - t)
    assert_allclose(continuous_step(jnp.asarray(log_snr)), 999 * t, rtol=1e-4)


def test_stable_diffusions_steps():
    """Its signal variance at the ends as often printed: 0.99915 first, 0.0047 last."""
    first, last = (np.log(kept / (1 - kept)) for kept in (0.99915, 0.00466009))
    found = stable_diffusion_step(jnp.array([99.0, first, last, -99.0], jnp.float32))
    assert_allclose(found, [1, 1, 1000, 1000], atol=1e-3)


@pytest.mark.parametrize("way", WAYS)
def test_checkpoints_go_out_and_come_back(way):
    shape = shape_of(way)
    parameters = functional("uvit", shape).init(jax.random.key(0))
    back = from_public(to_public(parameters, shape), shape)
    jax.tree.map(assert_array_equal, back, parameters)


def test_a_checkpoint_without_a_class_for_none_gets_zeros():
    shape = shape_of("class")
    arrays = to_public(functional("uvit", shape).init(jax.random.key(0)), shape)
    table = arrays["label_emb.weight"]
    arrays["label_emb.weight"] = table[:-1]
    words = from_public(arrays, shape)["words"]
    assert_array_equal(words[0], 0.0)
    assert_array_equal(words[1:], table[:-1])


def test_checkpoints_that_do_not_fit_are_named():
    shape = shape_of("class")
    arrays = to_public(functional("uvit", shape).init(jax.random.key(0)), shape)
    renamed = dict(arrays)
    renamed["norm.gain"] = renamed.pop("norm.weight")
    with pytest.raises(ValueError, match=r"unknown norm\.gain; missing norm\.weight"):
        from_public(renamed, shape)
    with pytest.raises(ValueError, match=r"norm\.weight is \[3\], not \[16\]"):
        from_public(arrays | {"norm.weight": np.ones(3)}, shape)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"rung": replace(TINY, depth=4)}, "odd number of blocks"),
        ({"rung": replace(TINY, width=15)}, "must be even"),
        ({"inputs": VECTORS, "conditioning": "class"}, "looks a class up by its number"),
    ],
)
def test_shapes_that_cannot_be_are_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        replace(shape_of("pooled"), **changed)
