"""Feature networks of published weights against PyTorch's, with random weights of their layouts."""

import jax
import numpy as np
import pytest
from safetensors.numpy import save_file

from scaling.measure.features import clip, dinov2
from scaling.measure.features.named import named
from scaling.measure.features.network import extract
from scaling.measure.features.vision_transformer import forward
from tests.models.small import public_weights
from tests.scaling.features.inceptions import published_weights

SIZE = {"width": 32, "depth": 3, "heads": 4, "patch": 7, "pixels": 21}
GRID, FEATURES = 5, 12
CLIP, DINO = clip.TOWERS["clip_b32"], dinov2.TOWERS["dinov2_b14"]


def difference(ours, theirs):
    """Relative to the largest."""
    assert np.max(np.abs(theirs)) > 0.01
    return np.max(np.abs(ours - theirs)) / np.max(np.abs(theirs))


def test_inception_from_the_image_to_the_logits(reference, tmp_path):
    arrays = published_weights()
    save_file(arrays, tmp_path / "weights.safetensors")
    shape = (3, 70, 41, 3)
    images = np.random.default_rng(1).integers(0, 256, size=shape, dtype=np.uint8)
    features, logits = extract(named(f"inception_v3={tmp_path / 'weights.safetensors'}"), images)
    assert features.shape == (3, 2048)
    theirs = reference("reference_inception", arrays | {"images": images})
    assert difference(features, theirs["features"]) < 1e-4
    assert difference(logits, theirs["logits"]) < 1e-4
    spread = theirs["features"].std(axis=0)
    assert (spread > 1e-3).mean() > 0.2  # images differ, so that the comparison is of something


@pytest.mark.parametrize("layout", ["openai", "transformers", "dinov2"])
def test_a_vision_transformer_of_each_layout(reference, layout):
    tower = (DINO if layout == "dinov2" else CLIP)._replace(**SIZE)
    if layout == "dinov2":
        arrays = public_weights(dinov2.entries(tower, GRID))
        parameters = dinov2.from_public("dinov2", arrays, tower, GRID)
    else:
        arrays = public_weights(getattr(clip, layout)(tower, FEATURES))
        parameters = clip.from_public("clip", arrays, tower, FEATURES)
    shape = (2, tower.pixels, tower.pixels, 3)
    pixels = np.random.default_rng(2).uniform(0, 255, size=shape).astype(np.float32)
    (ours,) = jax.jit(forward, static_argnames="tower")(parameters, pixels, tower=tower)
    about = SIZE | {"mean": tower.mean, "deviation": tower.deviation, "features": FEATURES}
    given = arrays | {"pixels": pixels}
    theirs = reference("reference_vision", given, layout=layout, **about)["features"]
    assert ours.shape == theirs.shape
    assert difference(ours, theirs) < 1e-4
