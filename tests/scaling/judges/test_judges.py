"""Judges: fair where nothing can be told, sharp where it can, whatever order pairs come in."""

import hashlib

import numpy as np
import pytest

from scaling.config.data import EmojiData
from scaling.data.facts import catalogue
from scaling.data.source import load
from scaling.measure.judges import caption_match, real_or_generated
from scaling.measure.judges.eye import Eye, shipped
from scaling.measure.judges.judge import Judged, Side, by_score, points, win_rate
from scaling.measure.judges.real_or_generated import tell_apart
from scaling.measure.samples import to_uint8
from tests.scaling.pictures_network import network


def drawn(rng, count, shift=0.0, width=24):
    """Features [n, d] of unequal directions."""
    return (rng.normal(size=(count, width)) + shift) * np.geomspace(1, 0.05, width)


def ids(rng, count):
    return rng.choice(2**31 - 1, count, replace=False).astype(np.int32)


def test_one_distribution_wins_half_and_the_interval_holds_it_as_often_as_it_says():
    rng, rates, held = np.random.default_rng(0), [], 0
    for _ in range(60):
        judged = tell_apart(drawn(rng, 40), drawn(rng, 40), ids(rng, 40))
        rate = win_rate(judged)
        rates.append(rate.value)
        held += rate.low <= 0.5 <= rate.high
    assert abs(np.mean(rates) - 0.5) < 3 * np.std(rates) / np.sqrt(60)
    assert held >= 52  # of 57 expected; fewer one time in 200
    assert np.std(rates) > 1.1 * 0.5 / np.sqrt(40)  # why independent pairs' interval will not do


def test_pairs_that_can_be_told_apart_are_lost_and_the_error_is_not_zero():
    rng = np.random.default_rng(1)
    rate = win_rate(tell_apart(drawn(rng, 64, 3.0), drawn(rng, 64), ids(rng, 64)))
    assert rate.value == rate.low == 0.0
    assert 0.03 < rate.high < 0.2


def test_a_half_hidden_difference_lies_between():
    rng = np.random.default_rng(2)
    rate = win_rate(tell_apart(drawn(rng, 96, 0.5), drawn(rng, 96), ids(rng, 96)))
    assert 0.02 < rate.value < 0.4


def test_the_order_of_pairs_changes_no_bit():
    rng = np.random.default_rng(3)
    generated, real, names = drawn(rng, 40, 0.3), drawn(rng, 40), ids(rng, 40)
    again = rng.permutation(40)
    first = tell_apart(generated, real, names)
    second = tell_apart(generated[again], real[again], names[again])
    np.testing.assert_array_equal(second.generated, first.generated[again])
    np.testing.assert_array_equal(second.real, first.real[again])
    assert second.spread == first.spread


def test_a_pair_is_judged_by_a_classifier_that_saw_neither_of_its_images():
    """To swap the images of one fold swaps their scores and nothing else."""
    rng = np.random.default_rng(4)
    generated, real = drawn(rng, 40, 0.3), drawn(rng, 40)
    labels = np.ones((40, 1))
    labels[np.arange(40) % real_or_generated.FOLDS == 2] = -1
    plain = real_or_generated.cross_fitted(generated, real, np.ones((40, 1)))
    swapped = real_or_generated.cross_fitted(generated, real, labels)
    fold = np.arange(40) % real_or_generated.FOLDS == 2
    for one, other in zip(plain, swapped, strict=True):
        np.testing.assert_allclose(one[fold], other[fold], rtol=1e-9)
    assert not np.allclose(plain[0][~fold], swapped[0][~fold])


def test_ties_count_half_and_the_interval_is_wilson_s():
    """10 of 40: Wilson's interval is [0.142, 0.402] (Brown, Cai & DasGupta's formula by hand)."""
    ours = np.array([1.0] * 8 + [0.0] * 4 + [-1.0] * 28)
    assert points(ours, np.zeros(40)).sum() == 10
    rate = win_rate(Judged(generated=ours, real=np.zeros(40)))
    assert (rate.low, rate.high) == pytest.approx((0.1419, 0.4019), abs=1e-3)
    wider = win_rate(Judged(generated=ours, real=np.zeros(40), spread=2.0))
    assert wider.high - 0.25 == pytest.approx(2 * (rate.high - 0.25))


@pytest.fixture(scope="module")
def emoji():
    return load(EmojiData())


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SCALING_CACHE", str(tmp_path / "cache"))


def captions(found):
    known = catalogue(EmojiData())
    names = dict(zip(known.ids.tolist(), known.captions, strict=True))
    return tuple(names[i] for i in found.ids.tolist())


def matching(source, count, eye):
    taught = source.train_sample(count, 0)
    known = source.facts.vocabulary
    return caption_match.judge(eye, to_uint8(taught.images), taught.tokens, known, source.encode)


def test_a_score_is_of_an_image_and_its_caption_whatever_stands_beside_them(emoji):
    judge = matching(emoji, 64, Eye(network()))
    found = emoji.held_out(24, 0)
    side = Side(images=to_uint8(found.images), captions=captions(found))
    whole = judge.compare(side, side, found.ids)
    assert win_rate(whole).value == 0.5
    part = Side(images=side.images[5:9][::-1], captions=side.captions[5:9][::-1])
    again = judge.compare(part, part, found.ids[5:9][::-1])
    np.testing.assert_allclose(again.generated, whole.generated[5:9][::-1], atol=1e-9)


def test_a_judge_s_hash_tells_what_it_was_taught(emoji):
    eye = Eye(network())
    one, same, other = (matching(emoji, count, eye).sha256 for count in (64, 64, 65))
    assert one == same != other
    assert len(one) == len(hashlib.sha256().hexdigest())


def test_a_judge_of_single_images_is_made_from_its_score():
    def brightness(images, captions):
        return images.mean(axis=(1, 2, 3))

    dark, light = (np.full((3, 2, 2, 3), value, np.uint8) for value in (0, 9))
    told = ("a", "b", "c")
    compare = by_score(brightness)
    judged = compare(
        Side(images=dark, captions=told),
        Side(images=light, captions=told),
        np.arange(3, dtype=np.int32),
    )
    assert win_rate(judged).value == 0.0


@pytest.mark.slow
def test_unseen_emoji_fit_their_own_captions_better_than_others(emoji):
    """With 512 training images 0.81 of 549 do, over shufflings; by chance one half."""
    judge = matching(emoji, 512, Eye(shipped()))
    found = emoji.held_out(128, 0)
    side = Side(images=to_uint8(found.images), captions=captions(found))
    shuffled = np.random.default_rng(0).permutation(128)
    other = Side(images=side.images, captions=tuple(side.captions[i] for i in shuffled))
    judged = judge.compare(side, other, found.ids)
    assert win_rate(judged).low > 0.62
