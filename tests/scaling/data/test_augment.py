from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from scaling.config.data import AugmentConfig
from scaling.data.augment import RGB_TO_YIQ, augment, place, to_float, turn_hue
from scaling.data.permissions import may_flip, may_turn

NEVER = AugmentConfig(flip=False, shift=0, hue=0)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (40, 8, 8, 3), np.uint8)


def moved(image, down, right):
    """By another route: roll, then paint white what came round."""
    out = np.roll(image, (down, right), (0, 1))
    out[: max(down, 0)] = 255
    out[len(out) + min(down, 0) :] = 255
    out[:, : max(right, 0)] = 255
    out[:, out.shape[1] + min(right, 0) :] = 255
    return out


@pytest.mark.parametrize("mirror", [False, True])
def test_place_equals_mirror_then_roll_over_white(images, mirror):
    shifts = np.array([(down, right) for down in range(-4, 5) for right in range(-4, 5)])
    index = np.arange(len(shifts)) % len(images)
    flags = np.full(len(shifts), mirror)
    got = jax.jit(place)(images, index, flags, shifts)
    for result, i, (down, right) in zip(np.asarray(got), index, shifts, strict=True):
        source = images[i, :, ::-1] if mirror else images[i]
        assert (result == moved(source, down, right)).all()


def test_to_float_hits_both_ends():
    assert to_float(jnp.array([0, 255], jnp.uint8)).tolist() == [-1, 1]


def test_turning_hue_is_a_rotation_of_chroma(images):
    small = to_float(jnp.asarray(images)) * 0.3  # nothing is clipped
    turns = jnp.linspace(-1, 1, len(images))
    before, after = (x @ RGB_TO_YIQ.T for x in (small, turn_hue(small, turns)))
    np.testing.assert_allclose(after[..., 0], before[..., 0], atol=1e-5)  # luma stays
    before, after = (x[..., 1] + 1j * x[..., 2] for x in (before, after))
    angle = np.exp(2j * np.pi * np.asarray(turns))[:, None, None]
    np.testing.assert_allclose(after, before * angle, atol=1e-5)


def test_turning_hue_keeps_greys_and_full_turns(images):
    turns = jnp.full(len(images), 0.3)
    greys = jnp.broadcast_to(to_float(jnp.asarray(images[..., :1])), images.shape)
    np.testing.assert_allclose(turn_hue(greys, turns), greys, atol=2e-6)
    exact = to_float(jnp.asarray(images))
    np.testing.assert_allclose(turn_hue(exact, jnp.ones(len(images))), exact, atol=1e-5)


def run(images, config, may=True, batch=4000):
    index = np.arange(batch) % len(images)
    flags = np.full(len(images), may)
    change = jax.jit(partial(augment, config=config))
    out = change(jnp.asarray(images), index, flags, flags, key=jax.random.key(0))
    return np.asarray(out), images[index].astype(np.float32) / np.float32(127.5) - 1


def test_each_change_can_be_switched_off(images):
    got, plain = run(images, NEVER, batch=40)
    np.testing.assert_allclose(got, plain, atol=1e-6)


def test_an_example_without_permission_is_only_shifted(images):
    got, plain = run(images, AugmentConfig(flip=True, shift=0, hue=0.5), may=False, batch=40)
    np.testing.assert_allclose(got, plain, atol=1e-5)


def test_half_are_flipped(images):
    got, plain = run(images, NEVER.model_copy(update={"flip": True}))
    flipped = np.isclose(got, plain[:, :, ::-1], atol=1e-6).all((1, 2, 3))
    assert (flipped | np.isclose(got, plain, atol=1e-6).all((1, 2, 3))).all()
    assert abs(flipped.mean() - 0.5) < 4 * 0.5 / np.sqrt(4000)


def test_all_shifts_are_equally_likely():
    dot = np.full((1, 7, 7, 1), 255, np.uint8)
    dot[0, 3, 3] = 0
    got, _ = run(dot, NEVER.model_copy(update={"shift": 1}), batch=9000)
    landed = (got[..., 0] < 0).sum(0)
    assert landed.sum() == 9000
    assert np.abs(landed[2:5, 2:5] - 1000).max() < 4 * np.sqrt(1000)


def test_turns_fill_their_range_and_no_more(images):
    reds = np.zeros((1, 2, 2, 3), np.uint8) + np.array([160, 110, 110], np.uint8)
    got, plain = run(reds, NEVER.model_copy(update={"hue": 0.1}))
    chroma = [
        np.asarray(x[:, 0, 0] @ RGB_TO_YIQ[1] + 1j * (x[:, 0, 0] @ RGB_TO_YIQ[2]))
        for x in (got, plain)
    ]
    turns = np.angle(chroma[0] / chroma[1]) / (2 * np.pi)
    assert np.abs(turns).max() < 0.1 + 1e-5
    assert np.abs(np.histogram(turns, 4, (-0.1, 0.1))[0] - 1000).max() < 4 * np.sqrt(1000)


@pytest.mark.parametrize(
    ("category", "name", "flip", "turn"),
    [
        ("Food & Drink", "cut of meat", True, True),
        ("Food & Drink", "red apple", True, False),
        ("Flags", "germany flag", False, False),
        ("Symbols", "keycap 7", False, False),
        ("Symbols", "negative squared latin capital letter a", False, False),
        ("Symbols", "leftwards black arrow", False, False),
        ("Travel & Places", "clock face four-thirty", False, True),
        ("Objects", "left-pointing magnifying glass", False, True),
        ("People & Body", "man", True, False),
        ("People & Body", "woman running", False, False),
        ("Smileys & Emotion", "grinning face", True, False),
    ],
)
def test_permissions(category, name, flip, turn):
    assert (may_flip(category, name), may_turn(category, name)) == (flip, turn)
