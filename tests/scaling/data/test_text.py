import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from scaling.config.data import EmojiData
from scaling.data import text
from scaling.data.facts import catalogue
from scaling.errors import InputError


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "wordllama", None)
    with pytest.raises(InputError, match=r"diffusion-scaling\[text\]"):
        text.embed(["a cat"])


def test_emoji_captions_become_vectors_near_those_of_like_captions():
    package = pytest.importorskip("wordllama", reason="the extra `text` is not installed")
    captions = list(dict.fromkeys(catalogue(EmojiData()).captions))
    vectors = text.embed(captions)
    used = (vectors != 0).any(axis=2)
    counts = used.sum(axis=1)
    assert_array_equal(used, np.arange(vectors.shape[1]) < counts[:, None])  # padded at the end
    assert used[:, -1].any()
    model = package.WordLlama.load(cache_dir=Path(package.__file__).parent)
    own = model.embed(captions[:200])  # the package's mean over tokens
    mean = vectors[:200].astype(np.float32).sum(axis=1) / counts[:200, None]
    np.testing.assert_allclose(mean, own, atol=2e-3 * abs(own).max())
    cat, dog, flag = (text.embed([words]).astype(np.float32)[0].mean(0) for words in
                      ("a cat", "a dog", "flag of Germany"))  # fmt: skip
    cosine = lambda a, b: a @ b / np.linalg.norm(a) / np.linalg.norm(b)  # noqa: E731
    assert cosine(cat, dog) > cosine(cat, flag) + 0.1
    with pytest.raises(InputError, match="tokens, more than 2"):
        text.embed(captions, length=2)
