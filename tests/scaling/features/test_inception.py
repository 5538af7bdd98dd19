"""The InceptionV3 of FID: its shapes, its pools, its normalisation, one image at a time or many."""

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

from scaling.measure.features.inception_graph import STEPS, Conv, Pool
from scaling.measure.features.inception_v3 import CLASSES, EPSILON, folded, forward, run, shapes
from tests.scaling.features.inceptions import narrowed, published_weights


def test_as_many_parameters_as_torchvisions_with_eight_more_classes():
    # 27,161,264 with 1000 classes, of which the auxiliary head, absent here, has 3,326,696.
    every = shapes().items()
    count = sum(np.prod(shape) for key, shape in every if "running" not in key)
    assert count == 27_161_264 - 3_326_696 + 8 * 2049
    assert CLASSES == 1008


def test_the_mean_leaves_the_padding_out_and_the_maximum_has_none():
    x = np.arange(16, dtype=np.float32).reshape(1, 4, 4, 1)
    (mean,) = run({}, (Pool("mean"),), jax.numpy.asarray(x))[..., 0]
    (largest,) = run({}, (Pool("max"),), jax.numpy.asarray(-x))[..., 0]
    assert_allclose(mean[0, 0], np.mean([0, 1, 4, 5]))
    assert_allclose(mean[1, 1], np.mean(x[0, :3, :3]))
    assert_allclose(largest[0, 0], 0)
    assert_allclose(largest[3, 3], -10)
    (halved,) = run({}, (Pool("max", stride=2, padding="VALID"),), jax.numpy.asarray(x))[..., 0]
    assert_allclose(halved, [[10]])


def test_the_kernel_holds_its_normalisation():
    steps = (Conv("only", 5, (3, 3)),)
    arrays = published_weights(steps)
    x = np.random.default_rng(0).normal(size=(2, 6, 6, 3)).astype(np.float32)
    ours = run(jax.device_put(folded(arrays, steps)), steps, jax.numpy.asarray(x))
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    seen = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    plain = np.einsum("nyxihw,oihw->nyxo", seen, arrays["only.conv.weight"])
    scale, bias, mean, variance = (
        arrays[f"only.bn.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
    )
    normal = (plain - mean) / np.sqrt(variance + EPSILON) * scale + bias
    assert_allclose(ours, normal.clip(0), atol=1e-5)


def test_a_batch_changes_nothing():
    steps = narrowed(STEPS, 16)
    parameters = jax.device_put(folded(published_weights(steps), steps))
    pixels = np.random.default_rng(1).uniform(0, 255, size=(3, 75, 75, 3)).astype(np.float32)
    apply = jax.jit(lambda pixels: forward(parameters, pixels, steps))
    features, logits = apply(pixels)
    assert features.shape == (3, 128)
    assert logits.shape == (3, CLASSES)
    for i in (2, 0):
        alone = apply(pixels[[i] * 3])
        assert_allclose(alone[0][0], features[i], rtol=1e-4, atol=1e-5)
        assert_allclose(alone[1][0], logits[i], rtol=1e-4, atol=1e-4)


def test_other_weights_are_named():
    arrays = published_weights((Conv("only", 5),))
    with pytest.raises(ValueError, match=r"unknown: only.conv.weight, .*missing: Conv2d_1a_3x3"):
        folded(arrays)
    wrong = arrays | {"fc.bias": np.zeros(1000, np.float32)}
    with pytest.raises(ValueError, match=r"fc.bias has \(1000,\), not \(1008,\)"):
        folded(wrong, (Conv("only", 5),))
