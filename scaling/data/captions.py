"""Captions to tokens and back: one token a word, and one for the style."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Int, Int32

from scaling.errors import InputError

PADDING, UNKNOWN = 0, 1
SPECIAL = ("", "<unknown>")
STYLES = ("noto", "twemoji", "fluent 3d")
# A style is one token: "lemon, fluent 3d emoji" has two. Hyphens and marks only separate words.
WORD = re.compile(rf"(?:{'|'.join(STYLES)}) emoji|[^\W_]+")


def words(caption: str) -> list[str]:
    """'Flag: Germany, noto emoji' -> ['flag', 'germany', 'noto emoji']."""
    return WORD.findall(caption.lower())


@dataclass(frozen=True)
class Vocabulary:
    """The known words; token 0 is padding and token 1 any unknown word."""

    words: tuple[str, ...]
    caption_length: int

    def __len__(self) -> int:
        return len(SPECIAL) + len(self.words)

    @cached_property
    def tokens(self) -> dict[str, int]:
        """The token of each known word."""
        return {word: token for token, word in enumerate(self.words, len(SPECIAL))}

    def encode(self, captions: Sequence[str]) -> Int32[np.ndarray, "n t"]:
        """Tokens, padded at the end. Raises InputError for a caption of too many words."""
        rows = np.full((len(captions), self.caption_length), PADDING, np.int32)
        for row, caption in zip(rows, captions, strict=True):
            tokens = [self.tokens.get(word, UNKNOWN) for word in words(caption)]
            if len(tokens) > self.caption_length:
                raise InputError(
                    f"caption {caption!r} has {len(tokens)} words; "
                    f"this data set's captions have {self.caption_length} at most"
                )
            row[: len(tokens)] = tokens
        return rows

    def decode(self, tokens: Int[np.ndarray, "n t"]) -> list[str]:
        """The known words of each caption, for display; marks and case are lost."""
        table = (*SPECIAL, *self.words)
        return [" ".join(table[token] for token in row if token != PADDING) for row in tokens]


def build_vocabulary(
    names: Iterable[str], *, always: Iterable[str], length: int, most: int | None = None
) -> Vocabulary:
    """Words found in at least two of the training concepts `names`, and those of `always`.

    With `most`, only so many of the former, the most frequent, in doubt by the alphabet.

    A word of a single concept stays unknown: that trains the unknown token, so that a held-out
    caption with a new word looks to the model like something it has met.
    """
    counts = Counter(word for name in names for word in set(words(name)))
    shared = sorted(word for word, count in counts.items() if count >= 2)
    shared = set(sorted(shared, key=lambda word: -counts[word])[:most])
    return Vocabulary(tuple(sorted(shared.union(*map(words, always)))), length)
