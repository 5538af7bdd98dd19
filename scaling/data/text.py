"""Captions as vectors of a small text encoder that needs no download: WordLlama's 256-d table.

The PyPI package `wordllama` (MIT; `pip install 'diffusion-scaling[text]'`) carries a tokenizer and
a static table, distilled from a large language model's. For a file that networks read in place of
words:

    vectors = text.embed(captions)
    latents.save("mine.npz", mean=mean, std=std, captions=captions, embeddings=vectors)
"""

from collections.abc import Sequence
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float16

from scaling.errors import InputError

WIDTH = 256


def embed(captions: Sequence[str], length: int | None = None) -> Float16[np.ndarray, "n t 256"]:
    """Each caption's tokens as vectors, padded at the end with zeros.

    `length` is t, by default that of the longest caption. InputError where a caption is longer,
    naming it, and where the package is not installed.
    """
    model = load()
    model.tokenizer.no_padding()
    tokens = [
        row.ids for row in model.tokenizer.encode_batch(list(captions), add_special_tokens=False)
    ]
    longest = max(range(len(tokens)), key=lambda row: len(tokens[row]))
    length = length or max(1, len(tokens[longest]))
    if len(tokens[longest]) > length:
        raise InputError(
            f"caption {captions[longest]!r} has {len(tokens[longest])} tokens, more than {length}"
        )
    vectors = np.zeros((len(tokens), length, WIDTH), np.float16)
    for row, numbers in zip(vectors, tokens, strict=True):
        row[: len(numbers)] = model.embedding[numbers]
    return vectors


def load() -> Any:
    """The package's model, from the files inside the package alone."""
    try:
        wordllama: Any = import_module("wordllama")
    except ImportError:
        raise InputError(
            "wordllama is not installed: pip install 'diffusion-scaling[text]'"
        ) from None
    # Its own search looks for the tokenizer in a directory that is spelt differently (0.4.0).
    inside = Path(wordllama.__file__).parent
    return wordllama.WordLlama.load(dim=WIDTH, cache_dir=inside, disable_download=True)


def installed() -> str:
    """The package's version."""
    return metadata.version("wordllama")
