import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaling.config.data import EmojiData
from scaling.data import split
from scaling.data.facts import catalogue
from scaling.data.source import load


@settings(max_examples=40, deadline=None)
@given(st.text(), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_keeps_what_a_smaller_one_held_out(name, one, other):
    small, large = sorted((one, other))
    assert split.is_held_out(name, large) or not split.is_held_out(name, small)


def test_the_draw_is_uniform_and_the_same_for_ever():
    values = np.array([split.draw(f"concept {i}") for i in range(20_000)])
    assert np.abs(np.histogram(values, 20, (0, 1))[0] - 1000).max() < 4 * np.sqrt(1000)
    assert split.draw("lemon") == pytest.approx(0.5935440761361814, abs=1e-15)


def test_emoji_are_split_by_concept():
    known = catalogue(EmojiData())
    concept = [caption.rpartition(", ")[0] for caption in known.captions]
    trained = {concept[i] for i in known.training}
    assert trained.isdisjoint(concept[i] for i in known.held_out)
    assert abs(len(trained) / len(set(concept)) - 0.9) < 0.02


@pytest.mark.parametrize("size", [16, 32])
def test_no_held_out_image_has_a_copy_in_training(size):
    known = catalogue(EmojiData(size=size))
    pixels = known.pixels()
    trained = {pixels[i].tobytes() for i in known.training}
    assert trained.isdisjoint(pixels[i].tobytes() for i in known.held_out)
    dropped = np.flatnonzero(~known.in_training & ~known.in_held_out)
    assert len(dropped) == 5
    assert all(pixels[i].tobytes() in trained for i in dropped)


def test_ids_are_unique_and_outlive_a_change_of_size_and_share():
    one, other = catalogue(EmojiData()), catalogue(EmojiData(size=32, held_out=0.3))
    assert len(set(one.ids.tolist())) == len(one.ids)
    assert (one.ids == other.ids).all()
    assert one.ids.min() >= 0


@pytest.mark.parametrize("name", ["emoji", "digits", "mixture"])
@pytest.mark.parametrize("which", ["held_out", "train_sample"])
def test_a_larger_sample_begins_with_the_smaller(name, which, request):
    sample = getattr(request.getfixturevalue(name), which)
    small, large = sample(20, 3), sample(70, 3)
    for one, other in zip(small, large, strict=True):
        assert (one == other[:20]).all()
    assert len(set(large.ids.tolist())) == 70
    assert not np.array_equal(small.images, sample(20, 4).images)


def test_a_sample_is_at_most_the_split(digits):
    assert len(digits.held_out(10**6, 0).ids) == digits.facts.held_out


def test_content_hash_tells_pixels_and_split_apart(emoji):
    assert emoji.content_hash == load(EmojiData()).content_hash
    others = [EmojiData(size=32), EmojiData(held_out=0.2)]
    assert len({emoji.content_hash, *(load(config).content_hash for config in others)}) == 3
