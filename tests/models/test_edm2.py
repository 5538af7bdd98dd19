"""EDM2: magnitudes that are kept, weights whose length means nothing, and its counts."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from models import Inputs, count, ladder
from models.compute import Compute
from models.families import FAMILIES
from models.networks.edm2 import magnitude
from models.networks.edm2.shape import EDM2Shape
from models.networks.edm2.weights import normalise
from models.networks.functional import functional

RUNGS = {rung.name: rung for rung in ladder("edm2")}
SMALL = list(RUNGS)[:10]
EMOJI = Inputs(size=16, channels=3, vocabulary=490, length=8)
TINY = EDM2Shape(
    rung=RUNGS["40k"], inputs=Inputs(size=8, channels=2, vocabulary=9, length=3), patch_size=2
)


def inputs(shape, batch=3):
    about = shape.inputs
    z = jax.random.normal(jax.random.key(0), (batch, about.size, about.size, about.channels))
    tokens = jnp.arange(batch * about.length).reshape(batch, about.length) % about.vocabulary
    return z, jnp.linspace(-3.0, 3.0, batch), tokens


@pytest.fixture(scope="module")
def network():
    """Its function, its parameters as drawn, and others with no gain at zero."""
    net = functional("edm2", TINY)
    parameters = jax.jit(net.init)(jax.random.key(1))
    noisy = jax.tree.map(lambda p: p + 0.3 if p.ndim == 0 else 1.7 * p, parameters)
    return jax.jit(net.apply), parameters, noisy


# --- magnitudes -------------------------------------------------------------------------------


def rms(x):
    return float(jnp.sqrt(jnp.mean(jnp.square(x))))


@pytest.mark.parametrize("balance", [0.3, 0.5, 0.8])
def test_every_operation_keeps_the_magnitude_of_normal_numbers(balance):
    a, b = jax.random.normal(jax.random.key(0), (2, 4000, 64))
    assert rms(magnitude.silu(a)) == pytest.approx(1, abs=0.01)
    assert rms(magnitude.add(a, b, balance)) == pytest.approx(1, abs=0.01)
    joined = magnitude.concatenate(a, b[:, :16], balance)
    assert rms(joined) == pytest.approx(1, abs=0.01)
    # Each part adds to a sum over channels by its share, however many channels it has.
    ratio = rms(joined[:, 64:]) / rms(joined[:, :64]) * np.sqrt(16 / 64)
    assert ratio == pytest.approx(balance / (1 - balance), rel=0.02)
    frequencies, phases = a[0], b[0] * 100
    features = magnitude.fourier(10 * a[:, 0], frequencies, phases)
    assert rms(features) == pytest.approx(1, abs=0.03)


def test_an_untrained_network_keeps_magnitude_one_throughout():
    """With its last gain at one. Zeros around the image and attention's means take a little."""
    shape = replace(TINY, rung=RUNGS["250k"], inputs=replace(TINY.inputs, size=33), patch_size=1)
    net = functional("edm2", shape)
    parameters = {**jax.jit(net.init)(jax.random.key(2)), "last_gain": jnp.float32(1)}
    assert 0.7 < rms(jax.jit(net.apply)(parameters, *inputs(shape))) < 1.1


def test_normalised_vectors_have_magnitude_one_and_zero_has_a_gradient():
    x = jax.random.normal(jax.random.key(0), (5, 7)) * 1e3
    unit = magnitude.normalise(x, (-1,))
    assert_allclose(jnp.mean(unit**2, axis=-1), 1, rtol=1e-5)
    slope = jax.grad(lambda x: jnp.sum(magnitude.normalise(x, (-1,))))(jnp.zeros((2, 3)))
    assert_allclose(slope, 1 / magnitude.EPSILON, rtol=1e-4)


def test_halving_undoes_doubling():
    x = jax.random.normal(jax.random.key(0), (2, 4, 6, 3))
    assert_allclose(magnitude.halve(magnitude.double(x)), x, rtol=1e-6)
    assert_allclose(magnitude.double(x)[0, :2, 2:4, 1], jnp.full((2, 2), x[0, 0, 1, 1]))


# --- weights ----------------------------------------------------------------------------------


def test_the_length_of_weights_does_not_matter(network):
    apply, _, parameters = network
    base = apply(parameters, *inputs(TINY))
    found = apply(normalise(parameters), *inputs(TINY))
    assert_allclose(found, base, atol=1e-3 * rms(base))


def test_normalising_gives_every_output_weights_of_magnitude_one_and_keeps_the_rest(network):
    _, _, parameters = network
    found = normalise(parameters)
    squares = jnp.mean(found["encoder"]["4x4_block0"]["conv_res0"]["kernel"] ** 2, axis=(0, 1, 2))
    assert_allclose(squares, 1, rtol=1e-3)
    assert_allclose(jnp.mean(found["words"] ** 2, axis=0), 1, rtol=1e-3)
    for name in ("frequencies", "phases", "last_gain"):
        assert_allclose(found[name], parameters[name])
    twice = normalise(found)
    jax.tree.map(partial(assert_allclose, rtol=1e-3, atol=1e-4), twice, found)


def gradients(parameters, **options):
    net = functional("edm2", TINY, Compute(**options))
    return jax.jit(jax.grad(lambda p: jnp.mean(net.apply(p, *inputs(TINY)) ** 2)))(parameters)


@pytest.fixture(scope="module")
def slopes(network):
    """Of the mean square of the output."""
    return gradients(network[2])


def test_a_gradient_is_at_right_angles_to_the_weights_and_none_moves_the_features(network, slopes):
    parameters = network[2]
    kernel, slope = (p["decoder"]["4x4_in0"]["conv_res1"]["kernel"] for p in (parameters, slopes))
    along = jnp.sum(kernel * slope, (0, 1, 2))
    length = jnp.linalg.norm(kernel.reshape(-1, 7), axis=0)
    assert_allclose(along / length, 0, atol=1e-3 * float(jnp.linalg.norm(slope)))
    assert_allclose(slopes["frequencies"], 0)
    assert_allclose(slopes["phases"], 0)


# --- the network as a function ----------------------------------------------------------------


def test_output_is_zero_at_first(network):
    apply, parameters, _ = network
    assert_allclose(apply(parameters, *inputs(TINY)), 0.0)


def test_examples_do_not_see_each_other(network):
    apply, _, parameters = network
    together = apply(parameters, *inputs(TINY))
    alone = [apply(parameters, *(x[i : i + 1] for x in inputs(TINY))) for i in range(3)]
    assert_allclose(together, jnp.concatenate(alone), rtol=1e-4, atol=1e-5)


def test_every_input_matters(network):
    apply, _, parameters = network
    z, log_snr, tokens = inputs(TINY)
    base = apply(parameters, z, log_snr, tokens)
    for changed in (
        (z + 0.1, log_snr, tokens),
        (z, log_snr + 0.1, tokens),
        (z, log_snr, (tokens + 4) % 9),
    ):
        difference = jnp.max(jnp.abs(apply(parameters, *changed) - base), axis=(1, 2, 3))
        assert (difference > 1e-4).all()


def test_one_word_is_a_class_and_no_word_adds_nothing(network):
    apply, _, parameters = network
    z, log_snr, _ = inputs(TINY)
    one = jnp.array([[3, 0, 0], [5, 0, 0], [0, 0, 0]])
    classes = jax.jit(functional("edm2", replace(TINY, conditioning="class")).apply)
    pooled = apply(parameters, z, log_snr, one)
    assert_allclose(pooled, classes(parameters, z, log_snr, one[:, :1]), rtol=1e-5, atol=1e-6)
    # Without a condition the words do not enter, whatever they are.
    other = {**parameters, "words": parameters["words"][::-1]}
    changed = jnp.max(jnp.abs(apply(other, z, log_snr, one) - pooled), axis=(1, 2, 3))
    assert (changed[:2] > 1e-4).all()
    assert changed[2] == 0


def test_vectors_are_pooled_and_all_zeros_are_none():
    shape = replace(TINY, inputs=Inputs(size=8, channels=2, length=3, embedding_width=5))
    net = functional("edm2", shape)
    apply = jax.jit(net.apply)
    parameters = jax.tree.map(
        lambda p: p + 0.3 if p.ndim == 0 else p, jax.jit(net.init)(jax.random.key(0))
    )
    z, log_snr = jax.random.normal(jax.random.key(1), (3, 8, 8, 2)), jnp.zeros(3)
    tokens = jax.random.normal(jax.random.key(2), (3, 3, 5)).at[0].set(0).at[1, 2].set(0)
    base = apply(parameters, z, log_snr, tokens)
    # Padding may stand anywhere, the vectors' common length is taken out, and none stays none.
    assert_allclose(apply(parameters, z, log_snr, 3 * tokens[:, ::-1]), base, rtol=1e-3, atol=1e-3)
    other = {**parameters, "caption": {"kernel": parameters["caption"]["kernel"][::-1]}}
    changed = jnp.max(jnp.abs(apply(other, z, log_snr, tokens) - base), axis=(1, 2, 3))
    assert changed[0] == 0
    assert (changed[1:] > 1e-4).all()


def test_recomputed_gradients_equal_kept_ones(network, slopes):
    again = gradients(network[2], rematerialise="all")
    jax.tree.map(partial(assert_allclose, rtol=1e-3, atol=1e-5), again, slopes)


def test_bfloat16_is_close_to_float32(network):
    apply, _, parameters = network
    low = jax.jit(functional("edm2", TINY, Compute(precision="bfloat16")).apply)
    exact, rough = apply(parameters, *inputs(TINY)), low(parameters, *inputs(TINY))
    assert rough.dtype == jnp.float32
    assert rms(rough - exact) < 0.03 * rms(exact)


@pytest.mark.parametrize(
    ("side", "multipliers"), [(64, 4), (32, 4), (16, 3), (8, 2), (4, 1), (12, 2), (6, 1)]
)
def test_levels_are_halved_down_to_four_patches(side, multipliers):
    shape = replace(TINY, inputs=replace(TINY.inputs, size=side), patch_size=1)
    assert shape.widths == tuple(7 * m for m in range(1, multipliers + 1))
    assert [b.side for b in shape.encoder if b.resample == "down"] == [
        side // 2**i for i in range(1, multipliers)
    ]


def test_a_condition_that_the_family_lacks_is_refused():
    with pytest.raises(ValueError, match="'pooled' or 'class', not in_context"):
        replace(TINY, conditioning="in_context")
    with pytest.raises(ValueError, match="'pooled', not numbers of a 'class'"):
        replace(TINY, conditioning="class", inputs=replace(TINY.inputs, embedding_width=4))


# --- counts -----------------------------------------------------------------------------------


def product_flops(jaxpr):
    """FLOPs of every matrix product and convolution in a traced program."""
    total = 0
    for equation in jaxpr.eqns:
        name, parameters = equation.primitive.name, equation.params
        shapes = [value.aval.shape for value in equation.invars]
        if name == "dot_general":
            contract, _ = parameters["dimension_numbers"][0]
            total += (
                2
                * np.prod([shapes[0][i] for i in contract], dtype=int)
                * np.prod(equation.outvars[0].aval.shape)
            )
        if name == "conv_general_dilated":
            of_outputs = parameters["dimension_numbers"].rhs_spec[0]
            inner = np.prod(shapes[1]) // shapes[1][of_outputs]
            total += 2 * inner * np.prod(equation.outvars[0].aval.shape)
        for value in parameters.values():
            for inner_jaxpr in value if isinstance(value, (list, tuple)) else (value,):
                if hasattr(inner_jaxpr, "eqns"):
                    total += product_flops(inner_jaxpr)
                elif hasattr(inner_jaxpr, "jaxpr"):
                    total += product_flops(inner_jaxpr.jaxpr)
    return int(total)


def programs(shape, batch=1):
    """Zero parameters, and the forward and training functions of them."""
    net = functional("edm2", shape)
    abstract = jax.eval_shape(net.init, jax.random.key(0))
    given = inputs(shape, batch)

    def forward(parameters):
        return net.apply(parameters, *given)

    def training(parameters):
        return jax.value_and_grad(lambda p: jnp.sum(forward(p) ** 2))(parameters)

    return abstract, forward, training


@pytest.mark.parametrize(
    "shape",
    [
        TINY,
        EDM2Shape(rung=RUNGS["120k"], inputs=EMOJI, patch_size=2),
        EDM2Shape(
            rung=replace(RUNGS["250k"], depth=2),
            inputs=Inputs(size=32, channels=4, vocabulary=11),
            patch_size=1,
            conditioning="class",
        ),
    ],
    ids=["tiny", "120k", "four levels"],
)
def test_parameters_and_flops_equal_the_traced_programs(shape):
    abstract, forward, training = programs(shape)
    counts = count("edm2", shape)
    sizes = {
        jax.tree_util.keystr(path): leaf.size
        for path, leaf in jax.tree_util.tree_leaves_with_path(abstract)
    }
    assert counts.parameters == sum(sizes.values())
    tables = sum(sizes[f"['{name}']"] for name in ("words", "frequencies", "phases"))
    assert counts.parameters_non_embedding == counts.parameters - tables
    steering = sum(size for path, size in sizes.items() if "emb_linear" in path)
    assert counts.parameters_active == counts.parameters_non_embedding - steering

    assert product_flops(jax.make_jaxpr(forward)(abstract).jaxpr) == counts.forward_flops
    found = product_flops(jax.make_jaxpr(training)(abstract).jaxpr)
    assert found == pytest.approx(counts.training_flops, rel=0.005)


@pytest.mark.parametrize("name", SMALL)
def test_small_rungs_have_the_parameters_of_their_names(name):
    shape = EDM2Shape(rung=RUNGS[name], inputs=EMOJI, patch_size=2)
    nominal = float(name[:-1]) * {"k": 1e3, "M": 1e6}[name[-1]]
    assert count("edm2", shape).parameters == pytest.approx(nominal, rel=0.2)


@pytest.mark.parametrize("known", FAMILIES["edm2"].published, ids=lambda p: p.name)
def test_published_sizes(known):
    """The paper's costs are up to 2.3 % above the released code's products, counted below."""
    counts = count("edm2", known.shape)
    assert f"{counts.parameters / 1e6:.0f}" == known.parameters
    assert 0.975 < counts.multiply_adds / 1e9 / float(known.multiply_adds) < 1


@pytest.mark.parametrize(
    ("width", "multiply_adds"), [(128, 44_953_718_784), (448, 546_909_067_264)]
)
def test_products_of_the_released_code(width, multiply_adds):
    """As PyTorch's counter finds them there, less what is a product there alone.

    That is the label's one-hot vector times its matrix, and resampling as convolutions with a
    2 x 2 filter for each channel, the wider ones for the way up.
    """
    known = next(p for p in FAMILIES["edm2"].published if p.shape.rung.width == width)
    shape = known.shape
    label = 1000 * shape.embedding
    pixels = [b for b in (*shape.encoder, *shape.decoder) if b.resample != "keep"]
    resampling = sum(
        4 * b.outputs * (b.side if b.resample == "down" else b.side // 2) ** 2 for b in pixels
    )
    assert count("edm2", shape).multiply_adds + label + resampling == multiply_adds
