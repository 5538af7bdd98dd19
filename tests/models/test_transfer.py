"""Factors of muP against the published table of which parameter learns how fast."""

import math
from dataclasses import replace

import jax
import pytest

from models import FAMILIES, Inputs, Rung
from models.transfer import Factors, mup

INPUTS = Inputs(size=8, channels=1, vocabulary=11, length=2)
BASE, WIDE = 16, 64


def shape_of(family, width):
    rung = Rung(name="", depth=3, width=width, heads=width // 8)
    return FAMILIES[family].shape(rung=rung, inputs=INPUTS, patch_size=2, conditioning="pooled")


def factors(family, width):
    tree = mup(family, shape_of(family, width), BASE)
    leaves = jax.tree_util.tree_leaves_with_path(tree, is_leaf=lambda x: isinstance(x, Factors))
    return {"/".join(key.key for key in path): leaf for path, leaf in leaves}


@pytest.mark.parametrize("family", ["dit", "uvit"])
def test_all_factors_are_one_at_the_base_width(family):
    assert set(factors(family, BASE).values()) == {Factors(1.0, 1.0)}


def test_dit_by_the_table():
    found = factors("dit", WIDE)
    ratio = BASE / WIDE
    hidden = ("blocks/qkv", "blocks/out", "blocks/expand", "blocks/modulation", "noise_out")
    for name in (*hidden, "caption", "last_modulation"):
        assert found[f"{name}/kernel"] == pytest.approx(Factors(1.0, ratio)), name
    # Inputs keep their deviation, which Xavier's rule would shrink, and their rate.
    for name, inputs in (("patch", 4), ("noise_in", 32)):
        kept = math.sqrt((inputs + WIDE) / (inputs + BASE))
        assert found[f"{name}/kernel"] == pytest.approx(Factors(kept, 1.0)), name
    # Outputs: deviation with 1 / fan-in, rate with 1 / fan-in.
    own = math.sqrt((WIDE + 4) / (BASE + 4))
    assert found["last/kernel"] == pytest.approx(Factors(ratio * own, ratio))
    others = {name: leaf for name, leaf in found.items() if not name.endswith("kernel")}
    assert "words" in others
    assert set(others.values()) == {Factors(1.0, 1.0)}


def test_hidden_deviations_follow_fan_in_whatever_the_family_does():
    base, wide = (FAMILIES["uvit"].initial(("skip",), w, 2 * w, w) for w in (BASE, WIDE))
    found = factors("uvit", WIDE)["out_blocks/skip/kernel"]
    assert found.rate == BASE / WIDE
    assert found.initial * wide == pytest.approx(base * math.sqrt(BASE / WIDE))


def test_depth_does_not_enter():
    shape = shape_of("dit", WIDE)
    deeper = replace(shape, rung=replace(shape.rung, depth=6))
    assert jax.tree.leaves(mup("dit", shape, BASE)) == jax.tree.leaves(mup("dit", deeper, BASE))
