"""Counts against the figures that papers print, and rungs against their names."""

import pytest

from models import FAMILIES, Inputs, count, ladder
from models.counting import total
from models.networks.dit.count import layers

EMOJI = Inputs(size=16, channels=3, vocabulary=490, length=5)
SMALL = [
    (family, rung)
    for family in FAMILIES
    for rung in ladder(family)
    if rung.name[0].isdigit()  # "20k", "1M"
]


def published(family, start=""):
    known = [known for known in FAMILIES[family].published if known.name.startswith(start)]
    return pytest.mark.parametrize("known", known, ids=lambda known: known.name)


@published("dit", "DiT")
def test_dits(known):
    counts = count("dit", known.shape)
    if known.parameters:
        assert counts.parameters / 1e6 == pytest.approx(float(known.parameters), abs=0.5)
    decimals = len(known.multiply_adds.partition(".")[2])
    assert f"{counts.multiply_adds / 1e9:.{decimals}f}" == known.multiply_adds


@published("dit", "Gu")
def test_the_text_to_image_ladder_is_a_dit_without_text(known):
    """Its four printed sizes; what is left out and added is as the family's comment says."""
    shape, printed = known.shape, float(known.parameters)
    without = ("words", "caption", "last_modulation")
    kept = total(layer for layer in layers(shape) if layer.name not in without).parameters
    positions = shape.tokens * shape.rung.width
    assert f"{(kept + positions) / 1e6:.2f}" == known.parameters
    assert count("dit", shape).parameters / 1e6 == pytest.approx(printed, rel=0.016)


@published("uvit")
def test_uvits(known):
    assert f"{count('uvit', known.shape).parameters / 1e6:.0f}" == known.parameters


@published("edm2")
def test_edm2s(known):
    """The paper's costs are up to 2.3 % above the released code's products, counted below."""
    counts = count("edm2", known.shape)
    assert f"{counts.parameters / 1e6:.0f}" == known.parameters
    assert 0.975 < counts.multiply_adds / 1e9 / float(known.multiply_adds) < 1


@pytest.mark.parametrize(
    ("family", "known"),
    [(name, known) for name, family in FAMILIES.items() for known in family.published],
    ids=lambda one: getattr(one, "name", one),
)
def test_a_rung_its_inputs_and_patches_name_every_published_network(family, known):
    shape = known.shape
    again = FAMILIES[family].published_shape(
        rung=FAMILIES[family].rungs[shape.rung.name],
        inputs=shape.inputs,
        patch_size=shape.patch_size,
        conditioning=shape.conditioning,
    )
    assert again == shape


@pytest.mark.parametrize(
    ("rung", "multiply_adds"), [("XS", 44_953_718_784), ("XXL", 546_909_067_264)]
)
def test_products_of_the_released_edm2(rung, multiply_adds):
    """As PyTorch's counter finds them there, less what is a product there alone.

    That is the label's one-hot vector times its matrix, and resampling as convolutions with a
    2 x 2 filter for each channel, the wider ones for the way up.
    """
    known = next(p for p in FAMILIES["edm2"].published if p.shape.rung.name == rung)
    shape = known.shape
    label = 1000 * shape.embedding
    pixels = [b for b in (*shape.encoder, *shape.decoder) if b.resample != "keep"]
    resampling = sum(
        4 * b.outputs * (b.side if b.resample == "down" else b.side // 2) ** 2 for b in pixels
    )
    assert count("edm2", shape).multiply_adds + label + resampling == multiply_adds


@pytest.mark.parametrize(("family", "rung"), SMALL, ids=lambda one: getattr(one, "name", one))
def test_small_rungs_have_the_parameters_of_their_names(family, rung):
    shape = FAMILIES[family].shape(rung=rung, inputs=EMOJI, patch_size=2, conditioning="pooled")
    nominal = float(rung.name[:-1]) * {"k": 1e3, "M": 1e6}[rung.name[-1]]
    tolerance = {"dit": 0.08, "uvit": 0.07, "edm2": 0.2}[family]
    assert count(family, shape).parameters == pytest.approx(nominal, rel=tolerance)
