"""A judge in an ONNX file: what it is given, and what is said of a file that is none."""

import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose

from scaling.config import RunConfig
from scaling.config.judge_sections import OnnxJudge
from scaling.config.judges import called
from scaling.data.source import load
from scaling.errors import InputError
from scaling.measure import preference
from scaling.measure.features.resize import bicubic
from scaling.measure.judges import onnx, tokens
from scaling.measure.judges.judge import Side, win_rate
from scaling.measure.preference import PreferenceMeter
from tests.scaling.conftest import tiny
from tests.scaling.judges.onnx_file import file
from tests.scaling.judges.small_clip import Words
from tests.scaling.pictures_network import network

IMAGES = np.random.default_rng(0).integers(0, 256, size=(19, 9, 9, 3), dtype=np.uint8)
CAPTIONS = tuple("abc" * (1 + i % 3) for i in range(19))
MEAN, DEVIATION = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)
IDS = np.arange(19, dtype=np.int32)


@pytest.fixture
def words(tmp_path, monkeypatch):
    monkeypatch.setattr(tokens, "tokenizer", lambda path: Words())
    (tmp_path / "tokenizer.json").write_text("{}")
    return str(tmp_path / "tokenizer.json")


def made(tmp_path, content, **given):
    pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")
    (tmp_path / "my-judge.onnx").write_bytes(content)
    path = str(tmp_path / "my-judge.onnx")
    config = OnnxJudge(name="onnx", file=path, mean=MEAN, deviation=DEVIATION, **given)
    return onnx.judge(config)


def expected(size, length):
    light = [np.mean((bicubic(i, size) / 255 - MEAN) / DEVIATION) for i in IMAGES]
    found, mask = tokens.encode(Words(), CAPTIONS, length)
    return np.array(light) + (found * mask).sum(axis=1)


@pytest.mark.parametrize("batch", ["n", 1, 3])
def test_it_is_given_pixels_and_tokens_as_the_settings_say(tmp_path, words, batch):
    judge = made(tmp_path, file(batch), tokenizer=words, resize="bicubic")
    side = Side(images=IMAGES, captions=CAPTIONS)
    scores = judge.compare(side, side, IDS).generated
    assert_allclose(scores, expected(6, 5), rtol=1e-5)
    assert judge.name == "my_judge"
    order = np.random.default_rng(1).permutation(19)[:8]
    part = Side(images=IMAGES[order], captions=tuple(CAPTIONS[i] for i in order))
    again = judge.compare(part, part, IDS[:8]).generated
    assert_allclose(again, scores[order], atol=1e-6)


def test_sizes_that_the_file_leaves_open_are_the_settings(tmp_path, words):
    given = {"size": 8, "tokens": 4, "resize": "bicubic"}
    judge = made(tmp_path, file("n", "s", "t"), tokenizer=words, **given)
    side = Side(images=IMAGES, captions=CAPTIONS)
    assert_allclose(judge.compare(side, side, IDS).generated, expected(8, 4), rtol=1e-5)


def test_real_against_real_is_one_half_without_captions(tmp_path):
    judge = made(tmp_path, file(reads=False))
    rng = np.random.default_rng(2)
    one, two = (
        Side(images=rng.integers(0, 256, (64, 7, 8, 3), dtype=np.uint8), captions=("",) * 64)
        for _ in range(2)
    )
    rate = win_rate(judge.compare(one, two, np.arange(64, dtype=np.int32)))
    assert rate.low <= 0.5 <= rate.high


def test_a_manifest_names_it(tmp_path, words, monkeypatch):
    pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")
    monkeypatch.setattr(preference, "shipped", network)
    monkeypatch.setenv("SCALING_CACHE", str(tmp_path / "cache"))
    (tmp_path / "a.onnx").write_bytes(file())
    given = {"name": "onnx", "file": str(tmp_path / "a.onnx"), "tokenizer": words}
    config = asked(given | {"called": "image_reward", "mean": [0.0, 0.0, 0.0]})
    assert RunConfig.model_validate(config.model_dump()) == config
    (control,) = PreferenceMeter(config, load(config.data)).control_rows(24)
    assert control.metric == "win_rate_image_reward"
    assert abs(control.value - 0.5) < 3 * control.standard_error


def asked(*judges) -> RunConfig:
    return tiny(
        data={"source": "digits"},
        measure__preference={"samples": 32, "judges": list(judges)},
        measure__samples={"count": 0},
    )


def test_a_judge_is_called_as_its_file_is_and_only_once(tmp_path):
    (tmp_path / "pick-2.onnx").write_bytes(b"")
    given = {"name": "onnx", "file": str(tmp_path / "pick-2.onnx")}
    (judge,) = asked(given).measure.preference.judges
    assert called(judge) == "pick_2"
    with pytest.raises(ValueError, match="'pick_2' is given 2 times"):
        asked(given, given | {"size": 64})
    with pytest.raises(ValueError, match=r"needs its program, and there is no file 'none\.onnx'"):
        asked({"name": "onnx", "file": "none.onnx"})


@pytest.mark.parametrize(
    ("shapes", "size"),
    [
        ({"pixel_values": [1, 3, 6, 6], "input_ids": ["n", 5]}, (6, 5, 1)),
        ({"pixel_values": ["n", 3, "h", "w"]}, (224, 77, 8)),
    ],
)
def test_what_a_file_takes_is_read_from_it(tmp_path, shapes, size):
    assert onnx.sizes(tmp_path, shapes, 224, 77) == size


@pytest.mark.parametrize(
    "shapes",
    [
        {"x": ["n", 3, 6, 6]},
        {"pixel_values": ["n", 6, 6, 3]},
        {"pixel_values": ["n", 3, 6, 8]},
        {"pixel_values": ["n", 3, 6, 6], "attention_mask": ["n", 5]},
    ],
)
def test_what_a_file_should_take_is_said(tmp_path, shapes):
    with pytest.raises(InputError, match=r"it should take pixel_values \[batch, 3, s, s\]"):
        onnx.sizes(tmp_path, shapes, 224, 77)


def test_what_is_not_one_finite_number_a_pair_is_refused(tmp_path):
    assert onnx.scores(tmp_path, np.ones((2, 1), np.float32), 2).tolist() == [1, 1]
    for output in (np.ones((2, 3)), np.array([1.0, np.nan])):
        with pytest.raises(InputError, match="of 2 pairs its first output should be 2 finite"):
            onnx.scores(tmp_path, output, 2)


def test_a_tokenizer_is_asked_for_just_where_captions_are_read(tmp_path, words):
    with pytest.raises(InputError, match="needs a `tokenizer`"):
        made(tmp_path, file())
    with pytest.raises(InputError, match="reads no captions"):
        made(tmp_path, file(reads=False), tokenizer=words)
    with pytest.raises(InputError, match="no ONNX file"):
        made(tmp_path, b"not a network")


def test_without_the_package_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match=r"diffusion-scaling\[onnx\]"):
        onnx.judge(OnnxJudge(name="onnx", file=str(tmp_path / "a.onnx")))
