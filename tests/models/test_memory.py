"""What the backward pass keeps, of every family and policy, against the compiler's plan."""

import jax
import pytest

from models import FAMILIES, Inputs, count
from models.compute import Compute
from models.ladder import Rung
from models.networks.edm2.shape import EDM2Shape
from tests.models.small import abstract, inputs, shape_of
from tests.models.traced import compiled_bytes, programs

IMAGES = Inputs(size=16, channels=3, vocabulary=7)


def sized(depth, width, heads):
    return {"rung": Rung(name="", depth=depth, width=width, heads=heads), "inputs": IMAGES}


SHAPES = {
    "dit": ("dit", "class", sized(6, 64, 2)),
    "uvit": ("uvit", "pooled", sized(7, 64, 2)),
    "edm2": ("edm2", "pooled", sized(1, 16, 1)),
}
LARGER = {
    "dit of many heads": ("dit", "class", sized(6, 64, 8)),
    "edm2 of four levels": (
        "edm2",
        "pooled",
        sized(1, 12, 1) | {"inputs": Inputs(size=32, channels=3, vocabulary=7), "patch_size": 1},
    ),
}
POLICIES = ("nothing", "all", "all_but_products")
BATCH = 128  # beside which weights are little


@pytest.mark.slow
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(
    ("family", "variant", "changes"),
    [
        *(pytest.param(*case, id=name) for name, case in SHAPES.items()),
        *(
            pytest.param(*case, id=name, marks=pytest.mark.exhaustive)
            for name, case in LARGER.items()
        ),
    ],
)
def test_kept_numbers_are_near_the_compilers_temporaries(family, variant, changes, policy):
    shape = shape_of(family, variant, **changes)
    training = programs(family, shape, Compute(rematerialise=policy))[1]
    given = jax.eval_shape(lambda: inputs(shape, BATCH))
    found = compiled_bytes(training, abstract(family, shape), *given) / 4 / BATCH
    assert count(family, shape).kept[policy] == pytest.approx(found, rel=0.12)


@pytest.mark.parametrize("policy", POLICIES)
def test_what_enters_the_blocks_is_kept_whatever_is_computed_again(policy):
    """Of the published EDM2-S: inputs with the channels joined to them, summed by hand."""
    shape = next(p.shape for p in FAMILIES["edm2"].published if p.name == "EDM2-S")
    assert isinstance(shape, EDM2Shape)
    entering = sum(
        block.inputs * {"keep": side, "down": 2 * side, "up": side // 2}[block.resample] ** 2
        for block in (*shape.encoder, *shape.decoder)
        for side in (block.side,)
    )
    assert entering > 17e6
    assert count("edm2", shape).kept[policy] > entering


def test_products_that_are_kept_are_all_those_with_weights():
    """Convolutions among them: each is computed once where they are kept, twice where not."""
    shape = shape_of("edm2", "class")
    given = abstract("edm2", shape), *inputs(shape, batch=1)

    def convolutions(policy):
        training = programs("edm2", shape, Compute(rematerialise=policy))[1]
        return str(jax.make_jaxpr(training)(*given)).count("conv_general_dilated[")

    assert convolutions("all_but_products") == convolutions("nothing") < convolutions("all")
