"""Weights under public names: there and back, and what is refused."""

from typing import Any

import jax
import numpy as np
import pytest
from flax.traverse_util import flatten_dict
from numpy.testing import assert_array_equal

from models import FAMILIES
from models.networks.dit import checkpoint as dit
from models.networks.edm2 import checkpoint as edm2
from models.networks.uvit import checkpoint as uvit
from tests.models.small import EVERY, abstract, noisy, shape_of

FORMATS = {"dit": dit, "edm2": edm2, "uvit": uvit}
OF_CLASSES = {family: shape_of(family, "class") for family in FORMATS}


@pytest.fixture(scope="module")
def public():
    """Of each family's network of classes, weights by public name."""
    return {
        family: FORMATS[family].to_public(noisy(family, shape), shape)
        for family, shape in OF_CLASSES.items()
    }


@pytest.mark.parametrize(("family", "variant"), EVERY)
def test_weights_go_out_and_come_back(family, variant):
    shape, way = shape_of(family, variant), FORMATS[family]
    parameters = noisy(family, shape)
    arrays = way.to_public(parameters, shape)
    assert {key: array.shape for key, array in arrays.items() if key != dit.POSITIONS} == {
        key: entry.shape for key, entry in way.entries(shape).items() if key != dit.POSITIONS
    }
    jax.tree.map(assert_array_equal, way.from_public(arrays, shape), parameters)


@pytest.mark.parametrize("family", FORMATS)
def test_weights_of_another_network_are_refused_by_name(family, public):
    arrays, shape, read = public[family], OF_CLASSES[family], FORMATS[family].from_public
    first, *others = FORMATS[family].entries(shape)
    renamed = {f"x.{key}" if key == first else key: array for key, array in arrays.items()}
    message = f"not the weights of this {family}; unknown: x.{first}; missing: {first}"
    with pytest.raises(ValueError, match=f"{message}$"):
        read(renamed, shape)
    few = {first: arrays[first]}
    with pytest.raises(ValueError, match=f"missing: {', '.join(others[:4])} and {len(others) - 4}"):
        read(few, shape)
    of_one = np.zeros((1, *arrays[first].shape))
    with pytest.raises(ValueError) as caught:
        read(arrays | {first: of_one}, shape)
    said = f"of another shape: {first} has {of_one.shape}, not {arrays[first].shape}"
    assert str(caught.value).endswith(said)


def test_dits_positions_are_the_fixed_ones_or_left_out(public):
    arrays, shape = public["dit"], OF_CLASSES["dit"]
    positions = arrays[dit.POSITIONS]
    without = {key: array for key, array in arrays.items() if key != dit.POSITIONS}
    jax.tree.map(
        assert_array_equal, dit.from_public(without, shape), dit.from_public(arrays, shape)
    )
    with pytest.raises(ValueError, match="other positions"):
        dit.from_public(arrays | {dit.POSITIONS: positions + 0.1}, shape)
    with pytest.raises(ValueError, match=r"pos_embed has \(1, 15, 24\), not \(1, 16, 24\)"):
        dit.from_public(arrays | {dit.POSITIONS: positions[:, 1:]}, shape)


PUBLISHED = {  # numbers of arrays, and some of their shapes, in the released code
    ("dit", "DiT-S/2"): (
        12 * 10 + 11,
        {
            "x_embedder.proj.weight": (384, 4, 2, 2),
            "y_embedder.embedding_table.weight": (1001, 384),
            "t_embedder.mlp.0.weight": (384, 256),
            "blocks.11.adaLN_modulation.1.weight": (2304, 384),
            "final_layer.linear.weight": (32, 384),
        },
    ),
    ("uvit", "U-ViT-S/2 on CIFAR-10"): (
        13 * 11 + 6 * 2 + 9,
        {
            "pos_embed": (1, 257, 512),
            "out_blocks.5.skip_linear.weight": (512, 1024),
            "mid_block.attn.qkv.weight": (1536, 512),
            "final_layer.weight": (3, 3, 3, 3),
        },
    ),
    ("uvit", "U-ViT-H/2 on ImageNet 256"): (
        29 * 11 + 14 * 2 + 8,
        {
            "pos_embed": (1, 258, 1152),
            "patch_embed.proj.weight": (1152, 4, 2, 2),
            "label_emb.weight": (1001, 1152),
            "in_blocks.13.mlp.fc1.weight": (4608, 1152),
            "decoder_pred.weight": (16, 1152),
        },
    ),
    ("edm2", "EDM2-XS"): (
        36 * 4 + 15 * 2 + 19 + 7,  # of blocks, attention, skips and the ends
        {
            "unet.emb_fourier.freqs": (128,),
            "unet.emb_noise.weight": (512, 128),
            "unet.emb_label.weight": (512, 1000),
            "unet.enc.64x64_conv.weight": (128, 5, 3, 3),
            "unet.enc.32x32_block0.conv_skip.weight": (256, 128, 1, 1),
            "unet.dec.8x8_in0.attn_qkv.weight": (1536, 512, 1, 1),
            "unet.dec.64x64_block3.conv_res0.weight": (128, 256, 3, 3),
            "unet.out_conv.weight": (4, 128, 3, 3),
            "unet.out_gain": (),
        },
    ),
}


@pytest.mark.parametrize(("family", "name"), PUBLISHED, ids=lambda one: one)
def test_the_layout_of_a_published_network(family, name):
    """Arrays as its checkpoint has them, and every one of our parameters filled by one."""
    count, some = PUBLISHED[family, name]
    shape = next(known.shape for known in FAMILIES[family].published if known.name == name)
    entries = FORMATS[family].entries(shape)
    assert len(entries) == count
    assert {key: entries[key].shape for key in some} == some
    found: dict[tuple[str, ...], dict[int | None, tuple[int, ...]]] = {}
    for entry in entries.values():
        array = np.broadcast_to(np.float32(0), entry.shape)  # takes no memory
        blocks = found.setdefault(entry.path, {})
        assert entry.block not in blocks
        blocks[entry.block] = entry.ours(array).shape
    filled = {}
    for path, blocks in found.items():
        (each,) = set(blocks.values())
        filled[path] = each if None in blocks else (len(blocks), *each)
        assert None in blocks or set(blocks) == set(range(len(blocks)))
    leaves: dict[tuple[str, ...], Any] = flatten_dict(abstract(family, shape))
    assert filled == {path: leaf.shape for path, leaf in leaves.items()}


def test_a_uvit_without_a_class_for_none_gets_zeros(public):
    key = "label_emb.weight"
    table = public["uvit"][key]
    found = uvit.from_public(public["uvit"] | {key: table[:-1]}, OF_CLASSES["uvit"])
    assert_array_equal(found["words"][0], 0.0)
    assert_array_equal(found["words"][1:], table[:-1])


def test_what_serves_the_training_of_edm2_alone_is_dropped(public):
    arrays, shape = public["edm2"], OF_CLASSES["edm2"]
    trained = arrays | {"logvar_linear.weight": np.ones((1, 128), np.float32)}
    jax.tree.map(assert_array_equal, edm2.from_public(trained, shape), noisy("edm2", shape))
