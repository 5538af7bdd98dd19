"""Features: the shipped network, and any ONNX file."""

import hashlib
import sys
from functools import partial

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from scaling.data import assets
from scaling.errors import InputError
from scaling.measure.features import efficientnet_lite0, onnx
from scaling.measure.features.network import IMAGES_AT_ONCE, compiled, extract
from scaling.measure.features.resize import bicubic

EMOJI = assets.read("emoji.npz", ["images"])[0]


@pytest.fixture(scope="module")
def found():
    return extract(efficientnet_lite0.network(), EMOJI[: IMAGES_AT_ONCE + 3])


def test_blocks_and_order_change_nothing(found):
    features, logits = found
    assert features.shape == (IMAGES_AT_ONCE + 3, 1280)
    some = [5, 2, IMAGES_AT_ONCE + 1]
    again, classes = extract(efficientnet_lite0.network(), iter(EMOJI[some]))
    # One by one on a CPU, and so the same to the last bit.
    assert_array_equal(again, features[some])
    assert_array_equal(classes, logits[some])


def test_one_by_one_is_all_together():
    weights = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    pixels = np.stack([bicubic(image, 16) for image in EMOJI[:3]])

    def forward(weights, pixels):
        features = pixels.mean(axis=(1, 2)) @ weights
        return features, features**2

    apart, together = (
        compiled(forward, weights, one_by_one=one_by_one)(pixels) for one_by_one in (True, False)
    )
    for ours, theirs in zip(apart, together, strict=True):
        assert ours.shape == (3, 5)
        assert_allclose(ours, theirs, rtol=1e-5)


def test_emoji_are_told_apart_by_their_class():
    # A few concepts that ImageNet has too, in every style, enlarged sevenfold as they are.
    names, concept = assets.read("emoji.npz", ["names", "concept"])
    asked = {"pretzel": 932, "soccer ball": 805, "umbrella": 879, "hourglass": 604}
    numbers = {names.tolist().index(name): label for name, label in asked.items()}
    index = np.flatnonzero(np.isin(concept, list(numbers)))
    _, logits = extract(efficientnet_lite0.network(), EMOJI[index])
    best = np.argsort(-logits, axis=1)[:, :5]
    labels = [numbers[number] for number in concept[index].tolist()]
    assert all(label in row for label, row in zip(labels, best, strict=True))
    assert np.mean([label == row[0] for label, row in zip(labels, best, strict=True)]) > 0.6


def test_shifted_products_are_the_grouped_convolution():
    names = ("blocks/0/dw", "blocks/1/dw", "blocks/3/dw")
    stored = efficientnet_lite0.decode(*assets.read(efficientnet_lite0.FILE, ["low", "high"]))
    weights = {name: jax.numpy.asarray(value) for name, value in stored.items()}
    for name, stride, side in zip(names, (1, 2, 2), (9, 10, 11), strict=True):
        kernel, bias = weights[f"{name}/0"], weights[f"{name}/1"]
        channels = kernel.shape[3]
        x = np.random.default_rng(0).normal(size=(2, side, side, channels)).astype(np.float32)
        expected = jax.lax.conv_general_dilated(
            x,
            kernel,
            (stride, stride),
            "SAME",
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            feature_group_count=channels,
        )
        run = jax.jit(partial(efficientnet_lite0._depthwise, name=name, stride=stride))
        ours = run(weights, x=jax.numpy.asarray(x))
        assert_allclose(ours, expected + bias, rtol=1e-4, atol=1e-4)


def field(number: int, value: bytes | int) -> bytes:
    """One field of a protocol buffer."""
    if isinstance(value, int):
        return bytes([number << 3]) + varint(value)
    return bytes([number << 3 | 2]) + varint(len(value)) + value


def varint(value: int) -> bytes:
    head, rest = value & 127, value >> 7
    return bytes([head | 128]) + varint(rest) if rest else bytes([head])


def pooling_network(side: int = 6) -> bytes:
    """An ONNX file with one node: the mean of every channel."""
    shape = b"".join(
        field(1, dimension)
        for dimension in (field(2, b"n"), field(1, 3), field(1, side), field(1, side))
    )
    tensor = lambda inside: field(2, field(1, field(1, 1) + inside))  # noqa: E731
    given = field(1, b"x") + tensor(field(2, shape))
    gives = field(1, b"y") + tensor(b"")
    node = field(1, b"x") + field(2, b"y") + field(4, b"GlobalAveragePool")
    graph = field(1, node) + field(2, b"g") + field(11, given) + field(12, gives)
    return field(1, 8) + field(7, graph) + field(8, field(1, b"") + field(2, 13))


def test_an_onnx_file_is_a_network(tmp_path):
    pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")
    path = tmp_path / "mean.onnx"
    path.write_bytes(pooling_network())
    network = onnx.network(path)
    assert network.size == 6
    assert network.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    features, logits = extract(network, EMOJI[:10])
    assert logits is None
    expected = [bicubic(image, 6).mean(axis=(0, 1)) for image in EMOJI[:10]]
    assert_allclose(features, expected, rtol=1e-5)
    path.write_bytes(b"not a network")
    with pytest.raises(InputError, match="no ONNX file"):
        onnx.network(path)
    with pytest.raises(InputError, match="No such file"):
        onnx.network(tmp_path / "none.onnx")


def test_what_an_onnx_file_should_take_is_said(tmp_path):
    assert onnx.layout(tmp_path, ["n", 3, 8, 8]) == (True, 8)
    assert onnx.layout(tmp_path, ["n", 8, 8, 3]) == (False, 8)
    with pytest.raises(InputError, match="a fixed s"):
        onnx.layout(tmp_path, ["n", 3, "h", "w"])


def test_without_the_package_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match=r"diffusion-scaling\[onnx\]"):
        onnx.network(tmp_path / "a.onnx")


def test_damaged_weights_are_said(monkeypatch, tmp_path):
    (tmp_path / "cut.npz").write_bytes(b"PK")
    with pytest.raises(InputError, match="truncated or damaged"):
        assets.read("x", ["low"], tmp_path / "cut.npz")
    low, high = assets.read(efficientnet_lite0.FILE, ["low", "high"])
    total = sum(np.prod(shape) for shape in efficientnet_lite0.shapes().values())
    assert_array_equal([len(low), len(high)], total)
