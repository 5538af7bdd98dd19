"""Judges of published weights against the libraries that publish them, with random weights."""

import numpy as np
import pytest

from scaling.measure.features import clip_towers
from scaling.measure.features.resize import CROPPED_BICUBIC, PADDED_BICUBIC
from scaling.measure.features.vision_transformer import gelu, quick_gelu
from scaling.measure.judges import scene_statistics, support_vectors, tokens
from scaling.measure.judges.image_text import of_towers
from scaling.measure.judges.judge import Side
from tests.scaling.judges.small_clip import END, FEATURES, IMAGE, START, TEXT, arrays
from tests.scaling.judges.test_brisque import scenes

CAPTIONS = [
    "A photo of two dogs, one's brown & the other isn't!",
    "  an   astronaut\triding a horse  ",
    "naïve café — 3D render, 8k, HDR (2021)",
    "日本の城 🏯 at night",
    "",
    "a " * 120,
    "e = mc^2; it'll we've I'm you're he'd",
]


def sizes(tower):
    return {k: v for k, v in tower._asdict().items() if k != "activation"}


@pytest.mark.parametrize(
    ("layout", "name", "quick"),
    [
        ("transformers", "pickscore", True),
        ("transformers", "pickscore", False),
        ("openai", "clip_score", True),
        ("openai", "clip_score", False),
        ("hps", "hps_v2", False),
    ],
)
def test_from_an_image_and_a_caption_to_the_score(reference, layout, name, quick):
    given = arrays("transformers" if layout == "transformers" else "openai")
    rng = np.random.default_rng(3)
    images = rng.integers(0, 256, size=(6, 64, 40, 3), dtype=np.uint8)
    words = np.full((6, TEXT.context), END)
    for row, length in enumerate((1, 3, 5, 7, 2, 0)):
        words[row, : length + 1] = [START, *rng.integers(0, START, length)]
    activation = quick_gelu if quick else gelu
    image, text = (tower._replace(activation=activation) for tower in (IMAGE, TEXT))
    towers = clip_towers.of_arrays("small", given, image, text, FEATURES, "0" * 64)
    judge = of_towers(name, towers, lambda captions: words, {})
    side = Side(images=images, captions=tuple("abcdef"))
    ours = judge.compare(side, side, np.arange(6, dtype=np.int32)).generated
    about = {"vision": sizes(image), "text": sizes(text), "features": FEATURES, "quick": quick}
    given |= {"images": images, "tokens": words}
    theirs = reference("reference_clip", given, layout=layout, **about)
    resize = PADDED_BICUBIC if layout == "hps" else CROPPED_BICUBIC
    pixels = np.stack([resize.apply(each, image.pixels) for each in images])
    pixels = (pixels / 255 - image.mean) / image.deviation
    assert np.abs(pixels - theirs["pixels"]).max() < 1e-5
    assert np.ptp(theirs["cosines"]) > 0.02
    factor = {"pickscore": float(theirs["scale"]), "clip_score": 2.5}.get(name, 1.0)
    expected = factor * theirs["cosines"]
    assert np.abs(ours - expected).max() < 1e-5 * factor


def test_tokens_of_captions(reference, tmp_path):
    pytest.importorskip("tokenizers", reason="the extra `clip` is not installed")
    theirs = reference("reference_tokens", {"captions": np.array(CAPTIONS)})
    (tmp_path / "vocab.json").write_text(str(theirs["vocabulary"]))
    (tmp_path / "merges.txt").write_text(str(theirs["merges"]))
    ours, mask = tokens.encode(tokens.for_clip(tmp_path, 49408), CAPTIONS, 77)
    np.testing.assert_array_equal(mask, theirs["mask"])
    np.testing.assert_array_equal(ours * mask, theirs["transformers"] * mask)
    np.testing.assert_array_equal(ours * mask, theirs["open_clip"])


def test_features_of_brisque(reference):
    images = np.stack([scenes(seed, 1, 96, blur)[0] for seed, blur in enumerate((0.7, 1.5, 3.0))])
    theirs = reference("reference_brisque", {"images": images}, what="features")["features"]
    ours = np.stack([scene_statistics.features(image) for image in images])
    assert np.abs(ours - theirs).max() < 1e-5


def test_a_regression_that_libsvm_wrote(reference, tmp_path):
    rng = np.random.default_rng(5)
    x = rng.uniform(-1, 1, size=(60, 36))
    x[:, 7] = 0  # libsvm leaves zeros out
    y = 50 + 20 * x[:, 0] - 10 * x[:, 1] ** 2
    theirs = reference("reference_brisque", {"x": x, "y": y}, what="svm")
    (tmp_path / "allmodel").write_text(str(theirs["model"]))
    ours = support_vectors.regression(tmp_path / "allmodel", 36)(x)
    np.testing.assert_allclose(ours, theirs["predicted"], atol=1e-3)
