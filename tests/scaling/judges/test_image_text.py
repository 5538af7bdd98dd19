"""Judges of an image and its caption by two towers, with small random weights."""

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from scaling.measure.features import clip, clip_text, clip_towers
from scaling.measure.features.network import extract
from scaling.measure.judges import tokens
from scaling.measure.judges.image_text import KINDS, of_towers
from scaling.measure.judges.judge import Side, win_rate
from tests.scaling.judges.small_clip import END, FEATURES, IMAGE, START, TEXT, Words, arrays

CAPTIONS = ("a red fox", "one two three", "fox", "a a a a a a a a a a a a", "", "grey", "x y", "z")
IMAGES = np.random.default_rng(0).integers(0, 256, size=(8, 30, 26, 3), dtype=np.uint8)
IDS = np.arange(8, dtype=np.int32)


def towers(turned=1):
    given = arrays("openai")
    given["text_projection"] *= turned
    return clip_towers.of_arrays("small", given, IMAGE, TEXT, FEATURES, "0" * 64)


def encode(captions):
    return tokens.encode(Words(), captions, TEXT.context)[0]


@pytest.fixture(scope="module")
def small():
    return towers()


def judged(judge, images=IMAGES, captions=CAPTIONS):
    side = Side(images=images, captions=tuple(captions))
    return judge.compare(side, side, IDS[: len(images)]).generated


def cosines(towers, images, captions):
    """By hand: each image and each caption in a call of its own."""
    kind = KINDS["clip_score"]
    found = []
    for image, caption in zip(images, captions, strict=True):
        seen = extract(towers.image, [image])[0][0]
        read = towers.text(encode([caption]))[0]
        found.append(seen @ read / np.linalg.norm(seen) / np.linalg.norm(read))
    assert kind.resize is towers.image.resize
    return np.array(found)


@pytest.mark.parametrize(
    ("name", "score"),
    [
        ("clip_score", lambda cosine: 2.5 * np.maximum(cosine, 0)),
        ("pickscore", lambda cosine: np.exp(1.5) * cosine),
    ],
)
def test_a_score_is_of_the_cosine(small, name, score):
    cosine = cosines(small, IMAGES, CAPTIONS)
    assert cosine.min() > 0.05 and np.ptp(cosine) > 0.05
    assert_allclose(judged(of_towers(name, small, encode, {})), score(cosine), atol=1e-6)
    assert_allclose(judged(of_towers(name, towers(-1), encode, {})), score(-cosine), atol=1e-6)


def test_hps_scores_the_whole_image_where_the_others_see_its_middle(small):
    whole, middle = (of_towers(name, small, encode, {}) for name in ("hps_v2", "clip_score"))
    tall = np.full((8, 42, 21, 3), 90, np.uint8)
    tall[:, 11:31] = IMAGES[:, :20, :21]
    other = tall.copy()
    other[:, :4] = other[:, -4:] = 255
    assert_allclose(judged(middle, other), judged(middle, tall), atol=1e-6)
    assert np.abs(judged(whole, other) - judged(whole, tall)).max() > 1e-3


@pytest.mark.parametrize("name", KINDS)
def test_neither_order_nor_company_matters_and_real_against_real_is_one_half(small, name):
    judge = of_towers(name, small, encode, {})
    whole = judged(judge)
    order = np.random.default_rng(1).permutation(8)
    again = judged(judge, IMAGES[order], [CAPTIONS[i] for i in order])
    assert_allclose(again, whole[order], atol=1e-6)
    assert_allclose(judged(judge, IMAGES[2:5], CAPTIONS[2:5]), whole[2:5], atol=1e-6)
    rng = np.random.default_rng(2)
    two = (
        Side(
            images=rng.integers(0, 256, size=(64, 21, 21, 3), dtype=np.uint8),
            captions=tuple(str(n) for n in rng.integers(0, 10_000, 64)),
        )
        for _ in range(2)
    )
    rate = win_rate(judge.compare(*two, np.arange(64, dtype=np.int32)))
    assert rate.low <= 0.5 <= rate.high


def test_a_caption_ends_where_it_ends(small):
    """What stands behind the end is not seen; what stands before it is."""
    short = np.full((1, TEXT.context), END)
    short[0, :3] = START, 5, 7
    other, changed = short.copy(), short.copy()
    other[0, 4:] = 9
    changed[0, 1] = 6
    assert_array_equal(small.text(short), small.text(other))
    assert np.abs(small.text(short) - small.text(changed)).max() > 1e-3


def test_a_prefix_stands_before_every_caption(small):
    given = of_towers("pickscore", small, encode, {}, prefix="a photo of ")
    written = of_towers("pickscore", small, encode, {})
    captions = [f"a photo of {caption}" for caption in CAPTIONS]
    assert_allclose(judged(given), judged(written, captions=captions), atol=1e-6)
    assert given.sha256 != written.sha256


def test_both_layouts_of_the_text_tower_are_one_network():
    public = arrays("openai")
    again = {"text_projection.weight": public["text_projection"].T}
    embeddings = "text_model.embeddings"
    again[f"{embeddings}.token_embedding.weight"] = public["token_embedding.weight"]
    again[f"{embeddings}.position_embedding.weight"] = public["positional_embedding"]
    inside = {"attn.out_proj": "self_attn.out_proj", "mlp.c_fc": "mlp.fc1", "mlp.c_proj": "mlp.fc2"}
    inside |= {"ln_1": "layer_norm1", "ln_2": "layer_norm2"}
    for kind in ("weight", "bias"):
        again[f"text_model.final_layer_norm.{kind}"] = public[f"ln_final.{kind}"]
        for i in range(TEXT.depth):
            old, new = f"transformer.resblocks.{i}", f"text_model.encoder.layers.{i}"
            parts = np.split(public[f"{old}.attn.in_proj_{kind}"], 3)
            for name, part in zip("qkv", parts, strict=True):
                again[f"{new}.self_attn.{name}_proj.{kind}"] = part
            for a, b in inside.items():
                again[f"{new}.{b}.{kind}"] = public[f"{old}.{a}.{kind}"]
    text = {
        k: v
        for k, v in public.items()
        if not k.startswith(clip.PREFIXES) and k != clip_towers.SCALE
    }
    run = jax.jit(clip_text.forward, static_argnames="tower")
    words = encode(CAPTIONS)
    found = [
        run(clip_text.from_public("clip", each, TEXT, FEATURES), words, tower=TEXT)[0]
        for each in (text, again)
    ]
    assert_allclose(found[0], found[1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "published"),  # of both towers and the scale, as OpenCLIP counts them
    [("clip_b32", 151.28), ("clip_b16", 149.62), ("clip_l14", 427.62), ("openclip_h14", 986.11)],
)
def test_sizes_of_both_towers(name, published):
    image, text = clip.TOWERS[name], clip_text.TOWERS[name]
    features = clip.FEATURES[image.width]
    for layout in ("openai", "transformers"):
        entries = getattr(clip, layout)(image, features) | getattr(clip_text, layout)(
            text, features
        )
        count = 1 + sum(np.prod(entry.shape) for entry in entries.values())
        assert count / 1e6 == pytest.approx(published, abs=0.005)
