"""Encoders' caches: vectors found by image and caption, latents split as the pixels are."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose

from scaling.config import LatentsData
from scaling.config.files import FilesData
from scaling.data.files import known as files
from scaling.data.source import load
from tests.scaling.data.files import sets

COUNT = 40
ENCODERS = '''
import numpy as np

def means(images):
    """Halves of the size, as floats."""
    x = images.astype(np.float32) / 127.5 - 1
    return x.reshape(len(x), 4, 2, 4, 2, 3).mean((2, 4))

def posterior(images):
    mean = means(images)
    return mean, np.full_like(mean, 0.25)

def flat(images):
    return images.reshape(len(images), -1).astype(np.float32)

def texts(captions):
    return np.array([[[len(c), c.count("e"), 1]] for c in captions], np.float32)

def uneven(captions):
    return np.zeros((len(captions), len(captions[0]), 3), np.float32)
'''


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A set, encoders, and a cache."""
    monkeypatch.setenv("SCALING_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    sets.parquet(tmp_path / "set", sets.told(COUNT))
    (tmp_path / "mine.py").write_text(ENCODERS)
    yield
    files.forget()


def encode(*arguments):
    from typer.testing import CliRunner

    from scaling.cli.app import app

    return CliRunner().invoke(app, ["data", "encode", "set", *arguments])


def provenance(path):
    with np.load(path) as stored:
        return json.loads(str(stored["provenance"]))


def test_vectors_of_captions_take_the_words_place(tmp_path):
    made = encode("text.npz", "--text", "mine.py:texts", "--at-once", "7")
    assert made.exit_code == 0, made.output
    given = {"path": "set", "size": 8, "conditions_file": "text.npz"}
    data = FilesData.model_validate(given)
    assert data.conditions == "embeddings"
    source = load(data)
    assert source.facts.embedding_width == 3
    known = files.known(data)
    rows = np.flatnonzero(known.in_training)
    expected = [[len(known.captions[i]), known.captions[i].count("e"), 1] for i in rows]
    assert_allclose(np.asarray(source.arrays.tokens)[:, 0], expected)
    assert source.encode(["example 3"])[0, 0, 0] == len(known.captions[3])
    told = provenance("text.npz")
    assert told["source_digest"] == FilesData.model_validate({"path": "set", "size": 8}).digest
    assert told["text"].startswith("mine.py:texts ")

    sets.parquet(tmp_path / "set", sets.told(COUNT + 1))
    files.forget()
    with pytest.raises(ValueError, match=r"is not among the keys of 'text\.npz'"):
        FilesData.model_validate(given)


def test_a_file_that_nobody_reads_is_refused():
    encode("text.npz", "--text", "mine.py:texts")
    given = {"path": "set", "size": 8, "conditions_file": "text.npz", "conditions": "captions"}
    with pytest.raises(ValueError, match="has embeddings, and conditions are 'captions'"):
        FilesData.model_validate(given)


def test_token_numbers_from_a_file(tmp_path):
    encode("text.npz", "--text", "mine.py:texts")
    with np.load("text.npz") as stored:
        tokens = stored["embeddings"][:, 0].astype(np.int32)
        np.savez("tokens.npz", keys=stored["keys"], tokens=tokens)
    data = FilesData.model_validate({"path": "set", "size": 8, "conditions_file": "tokens.npz"})
    source = load(data)
    assert data.conditions == "tokens"
    assert source.facts.vocabulary == tokens.max() + 1
    assert source.facts.caption_length == 3
    assert source.held_out(5, 0).tokens.dtype == np.int32


@pytest.mark.parametrize("encoder", ["means", "posterior"])
def test_latents_are_of_the_same_examples_on_the_same_side(encoder):
    made = encode("latents.npz", "--images", f"mine.py:{encoder}", "--size", "8", "--at-once", "9")
    assert made.exit_code == 0, made.output
    latents = load(LatentsData.model_validate({"file": "latents.npz", "scale_factor": 1.0}))
    pixels = load(FilesData.model_validate({"path": "set", "size": 8}))
    assert latents.examples == pixels.examples
    halves = np.asarray(pixels.arrays.images).reshape(-1, 4, 2, 4, 2, 3).mean((2, 4)) / 127.5 - 1
    assert_allclose(np.asarray(latents.arrays.images), halves, atol=1e-5)
    assert (latents.arrays.std is None) == (encoder == "means")
    assert latents.decode(np.asarray(latents.arrays.tokens)) == pixels.decode(
        np.asarray(pixels.arrays.tokens)
    )
    told = provenance("latents.npz")
    assert told["images"].startswith(f"mine.py:{encoder} ")
    assert told["size"] == "8"


def test_latents_with_vectors():
    made = encode(
        "both.npz",
        "--images",
        "mine.py:means",
        "--size",
        "8",
        "--text",
        "mine.py:texts",
        "--conditions",
        "none",
    )
    assert made.exit_code == 0, made.output
    data = LatentsData.model_validate({"file": "both.npz", "scale_factor": 1.0})
    assert data.conditions == "embeddings"
    assert load(data).facts.embedding_width == 3


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "say what to encode"),
        (("--text", "mine.py:uneven", "--at-once", "1"), "of one t and e, not [1"),
        (("--images", "mine.py:flat", "--size", "8"), "must give [40, h, w, c], not [40, 192]"),
        (("--images", "mine.py:absent"), "mine.py: has no function 'absent'"),
        (("--text", "other.py:f"), "there is no file 'other.py'"),
    ],
)
def test_mistakes_are_told(arguments, complaint):
    made = encode("out.npz", *arguments)
    assert complaint in str(made.exception)


def test_wordllama_where_it_is_installed():
    pytest.importorskip("wordllama")
    made = encode("text.npz", "--text", "wordllama")
    assert made.exit_code == 0, made.output
    assert provenance("text.npz")["text"].startswith("wordllama ")
    data = FilesData.model_validate({"path": "set", "size": 8, "conditions_file": "text.npz"})
    assert load(data).facts.embedding_width == 256
