"""The conditions of a file of latents, as networks read them and as people write them."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Bool, Num

from scaling.data import split
from scaling.data.captions import build_vocabulary, words
from scaling.data.latents import Latents, in_training
from scaling.errors import InputError

CLASS = re.compile(r"class (\d+)")
EXAMPLE = re.compile(r"example (\d+)(?:: .*)?", re.DOTALL)


@dataclass(frozen=True, kw_only=True, eq=False)
class Conditions:
    """Of each row, numbers [n, t] or vectors [n, t, e]; and the captions that stand for them.

    `encode` raises InputError for a caption that stands for none.
    """

    tokens: Num[np.ndarray, "n t *e"]
    vocabulary: int
    encode: Callable[[Sequence[str]], Num[np.ndarray, "n t *e"]]
    decode: Callable[[np.ndarray], list[str]]
    show: Callable[[int, int], list[str]]  # (count, seed) -> captions to sample
    is_held_out: Callable[[str], bool]

    @property
    def length(self) -> int:
        """Numbers or vectors of one row."""
        return self.tokens.shape[1]

    @property
    def embedding_width(self) -> int:
        """Of a vector; 0 for numbers."""
        return self.tokens.shape[2] if self.tokens.ndim == 3 else 0


@lru_cache(maxsize=16)
def of(file: Latents, kind: str, share: float | None) -> Conditions:
    """Those of one kind, labels, captions, embeddings or none; `share` is held out."""
    return KINDS[kind](file, in_training(file, share))


def number(pattern: re.Pattern[str], caption: str, count: int, what: str) -> int:
    """The number in a caption such as 'class 3', below `count`."""
    found = pattern.fullmatch(caption.strip())
    if found is None or int(found[1]) >= count:
        raise InputError(
            f"caption '{caption}' stands for no {what} of this data set; write '{what} 0' to "
            f"'{what} {count - 1}', or '' for none"
        )
    return int(found[1])


def labels(file: Latents, known: Bool[np.ndarray, " n"]) -> Conditions:
    """Class k is the number k + 1, and the caption 'class k'."""
    assert file.labels is not None
    count = int(file.labels.max()) + 1
    trained = {f"class {k}" for k in np.unique(file.labels[known])}
    names = [f"class {k}" for k in range(count)]

    def encode(captions: Sequence[str]) -> Num[np.ndarray, "n 1"]:
        found = [number(CLASS, text, count, "class") + 1 if text else 0 for text in captions]
        return np.array(found, np.int32)[:, None]

    def show(wanted: int, seed: int) -> list[str]:
        order = split.shuffled(names, seed)
        return [order[i % count] for i in range(wanted)]

    return Conditions(
        tokens=file.labels.astype(np.int32)[:, None] + 1,
        vocabulary=count + 1,
        encode=encode,
        decode=lambda tokens: [names[k - 1] if k else "" for k in tokens[:, 0]],
        show=show,
        is_held_out=lambda caption: bool(caption) and caption not in trained,
    )


def captions(file: Latents, known: Bool[np.ndarray, " n"]) -> Conditions:
    """Words as numbers, the known ones those of two training rows or more."""
    assert file.captions is not None
    every: list[str] = file.captions.tolist()
    training = [text for text, here in zip(every, known, strict=True) if here]
    trained = frozenset(training)
    length = max(1, *(len(words(text)) for text in set(every)))
    vocabulary = build_vocabulary(training, always=(), length=length)

    def show(wanted: int, seed: int) -> list[str]:
        rows = split.chosen(np.arange(len(every), dtype=np.int32), wanted, seed)
        return [every[row] for row in np.resize(rows, wanted)]

    return Conditions(
        tokens=vocabulary.encode(every),
        vocabulary=len(vocabulary),
        encode=vocabulary.encode,
        decode=vocabulary.decode,
        show=show,
        is_held_out=lambda caption: bool(caption) and caption not in trained,
    )


def embeddings(file: Latents, known: Bool[np.ndarray, " n"]) -> Conditions:
    """Vectors as stored; 'example 17', or 'example 17: its caption', stands for those of row 17."""
    assert file.embeddings is not None
    vectors, texts = file.embeddings, file.captions

    def encode(captions: Sequence[str]) -> Num[np.ndarray, "n t e"]:
        found = np.zeros((len(captions), *vectors.shape[1:]), np.float32)
        for i, text in enumerate(captions):
            if text:
                found[i] = vectors[number(EXAMPLE, text, len(vectors), "example")]
        return found

    def show(wanted: int, seed: int) -> list[str]:
        rows = split.chosen(np.arange(len(vectors), dtype=np.int32), wanted, seed)
        about = [f"example {row}" for row in np.resize(rows, wanted)]
        if texts is None:
            return about
        return [f"{text}: {texts[int(text.split()[1])]}" for text in about]

    def is_held_out(caption: str) -> bool:
        return bool(caption) and not known[number(EXAMPLE, caption, len(vectors), "example")]

    return Conditions(
        tokens=vectors,
        vocabulary=1,
        encode=encode,
        decode=lambda tokens: [""] * len(tokens),  # vectors are not turned back into words
        show=show,
        is_held_out=is_held_out,
    )


def none(file: Latents, known: Bool[np.ndarray, " n"]) -> Conditions:
    """The number 0 everywhere."""

    def encode(captions: Sequence[str]) -> Num[np.ndarray, "n 1"]:
        for text in captions:
            if text:
                raise InputError(f"caption '{text}': this data set has no conditions; write ''")
        return np.zeros((len(captions), 1), np.int32)

    return Conditions(
        tokens=np.zeros((len(file), 1), np.int32),
        vocabulary=1,
        encode=encode,
        decode=lambda tokens: [""] * len(tokens),
        show=lambda count, seed: [""] * count,
        is_held_out=lambda caption: False,
    )


KINDS: Mapping[str, Callable[[Latents, Any], Conditions]] = {
    "labels": labels,
    "captions": captions,
    "embeddings": embeddings,
    "none": none,
}
