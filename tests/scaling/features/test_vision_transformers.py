"""DINOv2 and CLIP: published sizes, two layouts of the same weights, resized positions."""

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

from scaling.measure.features import clip, dinov2
from scaling.measure.features.vision_transformer import forward
from tests.models.small import public_weights

SIZE = {"width": 32, "depth": 2, "heads": 4, "patch": 7, "pixels": 21}
TOWER = clip.TOWERS["clip_b32"]._replace(**SIZE)
PIXELS = np.random.default_rng(0).uniform(0, 255, size=(3, 21, 21, 3)).astype(np.float32)


def millions(entries):
    return sum(np.prod(entry.shape) for entry in entries.values()) / 1e6


@pytest.mark.parametrize(
    ("name", "published"),  # of the image towers, as OpenCLIP counts them
    [("clip_b32", 87.85), ("clip_b16", 86.19), ("clip_l14", 303.97), ("clip_l14_336", 304.29)],
)
def test_sizes_of_clip(name, published):
    tower = clip.TOWERS[name]
    for layout in (clip.openai, clip.transformers):
        found = millions(layout(tower, clip.FEATURES[tower.width]))
        assert found == pytest.approx(published, abs=0.005)


@pytest.mark.parametrize(("name", "published"), [("dinov2_b14", 86.58), ("dinov2_l14", 304.37)])
def test_sizes_of_dinov2(name, published):
    found = millions(dinov2.entries(dinov2.TOWERS[name], dinov2.GRID))
    assert found == pytest.approx(published, abs=0.005)  # timm's count of the same


def test_both_layouts_of_clip_are_one_network():
    arrays = public_weights(clip.openai(TOWER, 12))
    again = {"visual_projection.weight": arrays["visual.proj"].T}
    top = {
        "class_embedding": "embeddings.class_embedding",
        "positional_embedding": "embeddings.position_embedding.weight",
        "conv1.weight": "embeddings.patch_embedding.weight",
        **{f"ln_pre.{kind}": f"pre_layrnorm.{kind}" for kind in ("weight", "bias")},
        **{f"ln_post.{kind}": f"post_layernorm.{kind}" for kind in ("weight", "bias")},
    }
    again |= {f"vision_model.{new}": arrays[f"visual.{old}"] for old, new in top.items()}
    inside = {
        "attn.out_proj": "self_attn.out_proj",
        "mlp.c_fc": "mlp.fc1",
        "mlp.c_proj": "mlp.fc2",
        "ln_1": "layer_norm1",
        "ln_2": "layer_norm2",
    }
    for i in range(TOWER.depth):
        old, new = f"visual.transformer.resblocks.{i}", f"vision_model.encoder.layers.{i}"
        for kind in ("weight", "bias"):
            parts = np.split(arrays[f"{old}.attn.in_proj_{kind}"], 3)
            for name, part in zip("qkv", parts, strict=True):
                again[f"{new}.self_attn.{name}_proj.{kind}"] = part
            for a, b in inside.items():
                again[f"{new}.{b}.{kind}"] = arrays[f"{old}.{a}.{kind}"]
    run = jax.jit(forward, static_argnames="tower")
    (one,) = run(clip.from_public("clip", arrays, TOWER, 12), PIXELS, tower=TOWER)
    (two,) = run(clip.from_public("clip", again, TOWER, 12), PIXELS, tower=TOWER)
    assert one.shape == (3, 12)
    assert_allclose(one, two, rtol=1e-5, atol=1e-6)
    (turned,) = run(clip.from_public("clip", arrays, TOWER, 12), PIXELS[::-1], tower=TOWER)
    assert_allclose(turned[::-1], one, rtol=1e-5, atol=1e-6)
    assert np.abs(one[0] - one[1]).max() > 1e-3


def test_resized_positions_keep_planes_and_the_class_token():
    old, new = 37, 16
    y, x = np.mgrid[:old, :old]
    grid = np.stack([np.ones_like(y), y, x - 2 * y], axis=-1).reshape(-1, 3)
    given = np.concatenate([[[7.0, 8.0, 9.0]], grid]).astype(np.float32)
    found = dinov2.resized(given, old, new)
    assert_allclose(found[0], [7, 8, 9])
    found = found[1:].reshape(new, new, 3)
    # Away from the edges a plane stays one, nearly: only a = -1/2 keeps it to the letter.
    place = (np.arange(new) + 0.5) * old / (new + 0.1) - 0.5
    assert_allclose(found[..., 0], 1, rtol=1e-6)
    assert_allclose(found[1:-1, :, 1], np.tile(place[1:-1, None], (1, new)), atol=0.06)
    inside = (slice(1, -1), slice(1, -1))
    assert_allclose(found[..., 2][inside], (place - 2 * place[:, None])[inside], atol=0.15)
    assert_allclose(dinov2.resized(given, old, old), given)
