"""Sets of images and features as people bring them: what is read, noted, refused and why."""

import json
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from scaling.errors import InputError
from scaling.measure.comparison import compare
from scaling.measure.features import pictures, sets
from scaling.measure.features.network import Network
from scaling.measure.features.protocol import GIVEN, alike

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, size=(20, 8, 8, 3), dtype=np.uint8)


def colours(pixels):
    """Mean and deviation of each channel."""
    return (np.concatenate([pixels.mean((1, 2)), pixels.std((1, 2))], axis=1),)


NETWORK = Network(name="colours", sha256="c0", size=8, apply=colours)


def load(path):
    return sets.load(path, lambda: NETWORK)


@pytest.fixture
def folder(tmp_path):
    """Twenty PNG files in two folders."""
    (tmp_path / "images" / "more").mkdir(parents=True)
    for i, pixels in enumerate(PIXELS):
        place = tmp_path / "images" / ("more" if i >= 10 else "") / f"{i:02}.png"
        Image.fromarray(pixels).save(place)
    return tmp_path / "images"


def test_a_folder_an_npy_and_an_npz_give_the_same(folder, tmp_path):
    np.save(tmp_path / "a.npy", PIXELS)
    np.savez_compressed(tmp_path / "a.npz", images=PIXELS)
    whole = load(folder)
    assert whole.notes == ()
    assert whole.features.shape == (20, 6)
    for name in ("a.npy", "a.npz"):
        assert_array_equal(load(tmp_path / name).features, whole.features)
    sets.save(whole, tmp_path / "kept.npz")
    again = load(tmp_path / "kept.npz")
    assert_array_equal(again.features, whole.features)
    assert again.protocol == whole.protocol
    assert again.sha256 == whole.sha256


def test_stray_files_sizes_and_grey_images_are_noted(folder):
    (folder / "Thumbs.db").write_bytes(b"x")
    Image.fromarray(PIXELS[0]).resize((16, 16)).save(folder / "large.png")
    Image.fromarray(PIXELS[0, :, :, 0]).save(folder / "grey.png")
    found = load(folder)
    assert len(found) == 22
    stray, size, grey = found.notes
    assert "1 files that are no images were left out: Thumbs.db" in stray
    assert "images of 2 sizes: 8x8 (21), 16x16 (1)" in size
    assert "1 grey images" in grey


def test_alpha_is_refused_only_where_something_shows_through(folder):
    opaque = np.dstack([PIXELS[0], np.full((8, 8), 255, np.uint8)])
    Image.fromarray(opaque).save(folder / "00.png")
    assert_array_equal(pictures.read(folder / "00.png"), PIXELS[0])
    opaque[0, 0, 3] = 254
    Image.fromarray(opaque).save(folder / "00.png")
    with pytest.raises(InputError, match=r"00.png' is transparent in places; lay it on"):
        load(folder)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:90]), "is damaged or no image"),
        (lambda path: path.write_text("hello"), "is damaged or no image"),
        (
            lambda path: Image.new("CMYK", (8, 8)).save(path, format="TIFF"),
            "has the mode CMYK; save it as 8-bit RGB",
        ),
        (lambda path: Image.new("I;16", (8, 8)).save(path), "has the mode I;16"),
    ],
)
def test_a_bad_image_is_named(folder, spoil, message):
    spoil(folder / "03.png")
    with pytest.raises(InputError, match=message) as told:
        load(folder)
    assert "03.png" in str(told.value)


def test_too_few_images(tmp_path):
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match=r"holds no images .* needs two at the very least"):
        load(tmp_path / "none")
    np.save(tmp_path / "one.npy", PIXELS[:1])
    with pytest.raises(InputError, match="holds 1 images"):
        load(tmp_path / "one.npy")


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (PIXELS / 255, "are float64; save them as uint8"),
        (np.concatenate([PIXELS, PIXELS[..., :1]], axis=3), "have an alpha channel; lay them"),
        (PIXELS.transpose(0, 3, 1, 2), r"move the channels last: images.transpose\(0, 2, 3, 1\)"),
        (np.full((20, 4), np.nan), "20 of 20 rows of features hold NaN or infinity"),
        (PIXELS[:, :, 0, 0], "should be numbers with a point"),
    ],
)
def test_arrays_that_cannot_be_used(tmp_path, array, message):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(InputError, match=message):
        load(tmp_path / "a.npy")


@pytest.mark.parametrize(
    ("logits", "message"),
    [
        (np.zeros((19, 3)), r"logits should be numbers with a point in \[20, classes\], not f"),
        (np.zeros(20), r"in \[20, classes\], not float64 \[20\]"),
        (np.zeros((20, 3), int), r"not int64 \[20, 3\]"),
        (np.full((20, 3), np.inf), "20 of 20 rows of logits hold NaN or infinity"),
    ],
)
def test_logits_that_are_not_of_these_samples_are_refused(tmp_path, logits, message):
    np.savez(tmp_path / "a.npz", features=np.zeros((20, 4)), logits=logits)
    with pytest.raises(InputError, match=message):
        load(tmp_path / "a.npz")


def test_a_network_s_logits_are_looked_at_too(folder):
    broken = replace(NETWORK, apply=lambda pixels: (*colours(pixels), pixels[:, 0, :, 0] * np.nan))
    with pytest.raises(InputError, match="20 of 20 rows of logits hold NaN"):
        sets.load(folder, lambda: broken)


def test_digits_of_given_features_are_kept(tmp_path):
    """A shift of 1e-4 on an offset of 1e4, of which float32 keeps three digits."""
    rows = 1e4 + 1e-4 * np.random.default_rng(0).normal(size=(400, 3))
    for name, features in (("real", rows), ("generated", rows[::-1] + 1e-4)):
        np.save(tmp_path / f"{name}.npy", features)
    found = [load(tmp_path / f"{name}.npy") for name in ("real", "generated")]
    assert {item.features.dtype for item in found} == {np.dtype(np.float64)}
    assert compare(*found, ("fd",)).values["fd"].value == pytest.approx(3e-8, rel=1e-4)
    np.save(tmp_path / "half.npy", np.ones((9, 3), np.float16))
    assert load(tmp_path / "half.npy").features.dtype == np.float32


def test_an_image_too_large_to_open_is_named(folder, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
    with pytest.raises(InputError, match=r"00.png' is too large to be opened"):
        load(folder)


def test_files_that_are_not_there_or_hold_something_else(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        load(tmp_path / "none.npy")
    (tmp_path / "cut.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(InputError, match="damaged"):
        load(tmp_path / "cut.npy")
    np.savez(tmp_path / "a.npz", x=PIXELS)
    with pytest.raises(InputError, match="holds x; call the array `images`"):
        load(tmp_path / "a.npz")
    (tmp_path / "a.csv").write_text("1")
    with pytest.raises(InputError, match="is no folder"):
        load(tmp_path / "a.csv")


def test_grey_arrays_stand_for_three_channels(tmp_path):
    np.save(tmp_path / "grey.npy", PIXELS[..., 0])
    found = load(tmp_path / "grey.npy")
    assert "20 grey images" in found.notes[0]
    assert_array_equal(found.features[:, 0], found.features[:, 2])


def test_features_made_differently_are_not_compared(tmp_path):
    np.save(tmp_path / "a.npy", PIXELS)
    found = load(tmp_path / "a.npy")
    other = replace(found, protocol=replace(found.protocol, network_sha256="d1", pillow="1.0"))
    with pytest.raises(InputError, match=r"network_sha256 is c0 in REAL .* and d1 in GEN") as told:
        compare(found, other)
    assert "pillow is" in str(told.value)
    assert "resize is" not in str(told.value)
    with pytest.raises(InputError, match="network is colours"):
        compare(found, replace(found, protocol=GIVEN))
    with pytest.raises(InputError, match="features of 6 and 5 dimensions"):
        compare(found, replace(found, features=found.features[:, :5]))
    with pytest.raises(InputError, match="holds 7 samples; at least 8"):
        compare(found, replace(found, features=found.features[:7]))
    of = [replace(found, logits=np.zeros((20, k), np.float32)) for k in (3, 4)]
    with pytest.raises(InputError, match=r"logits of 3 and 4 classes; they must come from one"):
        compare(*of)
    alike({"a": 1}, {"a": 1}, ("x", "y"))


def test_metrics_beside_their_control_and_what_to_be_wary_of():
    rng = np.random.default_rng(1)

    def drawn(count, shift, source):
        features = (rng.exponential(size=(count, 4)) + shift).astype(np.float32)
        return sets.from_array(features, source, None, GIVEN)

    found = compare(drawn(1200, 0.0, "a"), drawn(600, 0.5, "b"), ("fd", "kid", "precision"))
    assert list(found.values) == ["fd", "kid", "precision"]
    truth = 4 * 0.5**2
    assert found.values["fd"].low < truth < found.values["fd"].high + 0.05
    assert found.control["fd"].value < 0.1
    assert found.control["kid"].low < 0 < found.control["kid"].high
    assert found.halves == 600
    assert any("not Gaussian" in text for text in found.warnings)
    assert any("600 samples are few" in text for text in found.warnings)
    assert found.protocol["real_count"] == 1200
    json.dumps(found.protocol)
    few = compare(drawn(20, 0.0, "a"), drawn(8, 0.5, "b"))
    assert "inception_score" not in few.values
    assert any("inception_score is left out" in text for text in few.warnings)
