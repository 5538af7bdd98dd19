"""Captions as tokens, by a tiny vocabulary of CLIP's form, and what is said where there is none."""

import json
import sys

import pytest
from numpy.testing import assert_array_equal

from scaling.errors import InputError
from scaling.measure.features.clip_text import END, START
from scaling.measure.judges import tokens

PIECES = [*"abcdox", *(f"{letter}</w>" for letter in "abcdox"), "fo", "fox</w>", ",</w>", "2</w>"]
MERGES = ["f o", "fo x</w>"]
VOCABULARY = {piece: i for i, piece in enumerate(["f", *PIECES, START, END])}
LAST = len(VOCABULARY) - 1


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "vocab.json").write_text(json.dumps(VOCABULARY))
    (tmp_path / "merges.txt").write_text("#version: 0.2\n" + "\n".join(MERGES) + "\n")
    return tmp_path


def spelt(*pieces):
    return [VOCABULARY[piece] for piece in (START, *pieces, END)]


def test_a_caption_becomes_its_pieces_between_a_start_and_an_end(folder):
    pytest.importorskip("tokenizers", reason="the extra `clip` is not installed")
    tokenizer = tokens.for_clip(folder, len(VOCABULARY))
    found, mask = tokens.encode(tokenizer, ["A  Fox,\n22", "dab", ""], 8)
    first = spelt("a</w>", "fox</w>", ",</w>", "2</w>", "2</w>")
    assert found[0].tolist() == [*first, LAST]
    assert found[1].tolist() == [*spelt("d", "a", "b</w>"), *[LAST] * 3]
    assert found[2].tolist() == [*spelt(), *[LAST] * 6]
    assert mask.sum(axis=1).tolist() == [7, 5, 2]


def test_a_long_caption_keeps_its_end(folder):
    pytest.importorskip("tokenizers", reason="the extra `clip` is not installed")
    found, mask = tokens.encode(tokens.tokenizer(folder), ["a b c d a b c d"], 4)
    assert found[0].tolist() == spelt("a</w>", "b</w>") and mask.all()


def test_one_file_says_what_two_do(folder):
    pytest.importorskip("tokenizers", reason="the extra `clip` is not installed")
    two = tokens.tokenizer(folder)
    (folder / "whole").mkdir()
    two.save(str(folder / "whole" / "tokenizer.json"))
    for path in (folder / "whole", folder / "whole" / "tokenizer.json"):
        one = tokens.for_clip(path, len(VOCABULARY))
        captions = ["a fox's dab", "ABC abc"]
        assert_array_equal(tokens.encode(one, captions, 9)[0], tokens.encode(two, captions, 9)[0])


def test_what_is_no_tokenizer_of_clip_is_refused(folder):
    pytest.importorskip("tokenizers", reason="the extra `clip` is not installed")
    with pytest.raises(InputError, match=r"is not CLIP's: a caption should end with .* number 99"):
        tokens.for_clip(folder, 100)
    without = {piece: i for piece, i in VOCABULARY.items() if piece != START}
    (folder / "vocab.json").write_text(json.dumps(without))
    with pytest.raises(InputError, match="startoftext"):
        tokens.tokenizer(folder)
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(InputError, match=r"tokenizer '.*' cannot be read"):
        tokens.tokenizer(folder)


def test_without_the_package_the_extra_is_named(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(InputError, match=r"diffusion-scaling\[clip\]"):
        tokens.tokenizer(folder)
