"""The conditions of latents or images, as networks read them and as people write them."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Bool, Num

from scaling.data import split
from scaling.data.captions import build_vocabulary, words
from scaling.data.latents import Latents, in_training
from scaling.data.told import Conditions, Told
from scaling.errors import InputError

CLASS = re.compile(r"class (\d+)")
EXAMPLE = re.compile(r"example (\d+)(?:: .*)?", re.DOTALL)


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


def labels(file: Latents | Told, known: Bool[np.ndarray, " n"]) -> Conditions:
    """Class k is the number k + 1, and the caption 'class k' or the class's own name."""
    assert file.labels is not None
    count = int(file.labels.max()) + 1
    given = file.classes if isinstance(file, Told) else ()
    names = list(given) or [f"class {k}" for k in range(count)]
    trained = {names[k] for k in np.unique(file.labels[known])}
    numbers = {"": 0, **{name: k for k, name in enumerate(names, 1)}}

    def encode(captions: Sequence[str]) -> Num[np.ndarray, "n 1"]:
        found = [
            numbers[text] if text in numbers else number(CLASS, text, count, "class") + 1
            for text in captions
        ]
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


def captions(file: Latents | Told, known: Bool[np.ndarray, " n"]) -> Conditions:
    """Words as numbers, the known ones those of two training rows or more."""
    assert file.captions is not None
    every = [str(text) for text in file.captions]
    training = [text for text, here in zip(every, known, strict=True) if here]
    trained = frozenset(training)
    most, cut = (file.words, file.length) if isinstance(file, Told) else (None, None)
    length = cut or max(1, *(len(words(text)) for text in set(every)))
    vocabulary = build_vocabulary(training, always=(), length=length, most=most)

    def encode(captions: Sequence[str]) -> Num[np.ndarray, "n t"]:
        if cut is None:
            return vocabulary.encode(captions)
        return vocabulary.encode([" ".join(words(text)[:cut]) for text in captions])

    def show(wanted: int, seed: int) -> list[str]:
        rows = split.chosen(np.arange(len(every), dtype=np.int32), wanted, seed)
        return [every[row] for row in np.resize(rows, wanted)]

    return Conditions(
        tokens=encode(every),
        vocabulary=len(vocabulary),
        encode=encode,
        decode=vocabulary.decode,
        show=show,
        is_held_out=lambda caption: bool(caption) and caption not in trained,
    )


def embeddings(file: Latents | Told, known: Bool[np.ndarray, " n"]) -> Conditions:
    """Vectors as stored; 'example 17', or 'example 17: its caption', stands for those of row 17."""
    assert file.embeddings is not None
    return stored(file.embeddings, np.float32, 1, file.captions, known)


def tokens(file: Told, known: Bool[np.ndarray, " n"]) -> Conditions:
    """Numbers of a tokenizer of your own as stored, of which 0 is padding; captions as above."""
    assert file.tokens is not None
    return stored(file.tokens, np.int32, int(file.tokens.max()) + 1, file.captions, known)


def stored(
    values: Num[np.ndarray, "n t *e"],
    number_type: type,
    vocabulary: int,
    texts: Sequence[str] | np.ndarray | None,
    known: Bool[np.ndarray, " n"],
) -> Conditions:
    """Conditions that no words are turned into: captions name a row."""

    def encode(captions: Sequence[str]) -> Num[np.ndarray, "n t *e"]:
        found = np.zeros((len(captions), *values.shape[1:]), number_type)
        for i, text in enumerate(captions):
            if text:
                found[i] = values[number(EXAMPLE, text, len(values), "example")]
        return found

    def show(wanted: int, seed: int) -> list[str]:
        rows = split.chosen(np.arange(len(values), dtype=np.int32), wanted, seed)
        about = [f"example {row}" for row in np.resize(rows, wanted)]
        if texts is None:
            return about
        return [f"{text}: {texts[int(text.split()[1])]}" for text in about]

    def is_held_out(caption: str) -> bool:
        return bool(caption) and not known[number(EXAMPLE, caption, len(values), "example")]

    return Conditions(
        tokens=values,
        vocabulary=vocabulary,
        encode=encode,
        decode=lambda tokens: [""] * len(tokens),  # not turned back into words
        show=show,
        is_held_out=is_held_out,
    )


def none(file: Latents | Told, known: Bool[np.ndarray, " n"]) -> Conditions:
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


KINDS: Mapping[str, Callable[[Any, Any], Conditions]] = {
    "labels": labels,
    "captions": captions,
    "embeddings": embeddings,
    "tokens": tokens,
    "none": none,
}
