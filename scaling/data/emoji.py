"""Emoji with captions: 1,911 concepts in up to three styles, split by concept."""

from collections.abc import Sequence, Set
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int, UInt8

from scaling.config.data import EmojiData
from scaling.data import assets, split
from scaling.data.captions import STYLES, build_vocabulary, words
from scaling.data.catalogue import Catalogue
from scaling.data.permissions import may_flip, may_turn

FILE = "emoji.npz"
# Concepts worth looking at, of words a model can know; others follow when more are asked for.
FAVOURITES = """
    red apple, green heart, cat face, large red circle, smiling face with sunglasses, rainbow,
    pig face, tropical fish, police car, christmas tree, sun with face, skull, orange book,
    mushroom, snowman, purple heart, tiger face, large blue square, crying face, crown, whale,
    palm tree, monkey face, yellow heart, open lock, netherlands flag, rabbit face, hot pepper,
    beetle, blue book, top hat, bus, dog face, fire, large yellow circle, umbrella, grinning face,
    horse face, oncoming bus, heart on fire, large brown square, construction worker,
    large orange circle, kissing face, raised hand, zombie
"""
SHOWN = tuple(" ".join(name.split()) for name in FAVOURITES.split(","))


def area_average(images: UInt8[np.ndarray, "n h w c"]) -> UInt8[np.ndarray, "n h//2 w//2 c"]:
    """Half the size: each pixel the mean of four, rounded to the nearest (halves up)."""
    wide = images.astype(np.uint16)
    rows = wide[:, 0::2] + wide[:, 1::2]
    return ((rows[:, :, 0::2] + rows[:, :, 1::2] + 2) // 4).astype(np.uint8)


def pixels(size: int, path: Path | None) -> UInt8[np.ndarray, "n size size 3"]:
    """All images, as shipped (32 pixels) or averaged (16)."""
    (images,) = assets.read(FILE, ["images"], path)
    return images if size == 32 else area_average(images)


def caption(name: str, style: str) -> str:
    """'lemon', 'noto' -> 'lemon, noto emoji'."""
    return f"{name}, {style} emoji"


def name_of(text: str) -> str:
    """The concept a caption names: 'lemon, noto emoji' -> 'lemon'."""
    name, comma, style = text.rpartition(", ")
    return name if comma and style.removesuffix(" emoji") in STYLES else text


def show(training: Set[str], names: Sequence[str], count: int, seed: int) -> list[str]:
    """Captions for a grid of samples: three training concepts, then a held-out one, and so on."""
    listed = [*split.shuffled(SHOWN, seed), *names]
    familiar = [name for name in listed if name in training]
    strange = [name for name in listed if name not in training] or familiar
    picked = [
        strange[i // 4 % len(strange)] if i % 4 == 3 else familiar[(i - i // 4) % len(familiar)]
        for i in range(count)
    ]
    return [caption(name, STYLES[i % len(STYLES)]) for i, name in enumerate(picked)]


def unseen(twin: Int[np.ndarray, " n"], training: Bool[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
    """Images not in training and without an exact copy there; `twin` numbers each image's copies.

    France's flag, for one, is also Clipperton Island's.
    """
    copied = np.zeros(len(twin), bool)
    copied[twin[training]] = True
    return ~copied[twin]


def catalogue(config: EmojiData, path: Path | None = None) -> Catalogue:
    """Captions and split; a held-out image with an exact copy in training is left out of both."""
    names, kinds = (column.tolist() for column in assets.read(FILE, ["names", "category"], path))
    concept, style, twin = assets.read(FILE, ["concept", "style", "twin"], path)
    known = [not split.is_held_out(name, config.held_out) for name in names]
    familiar = frozenset(name for name, trained in zip(names, known, strict=True) if trained)
    training = np.array(known)[concept]
    captions = tuple(
        caption(names[i], STYLES[j]) for i, j in zip(concept.tolist(), style.tolist(), strict=True)
    )
    vocabulary = build_vocabulary(
        familiar,
        always=(caption("", name) for name in STYLES),
        length=1 + max(len(words(name)) for name in names),
    )
    others = [name for name in names if name not in SHOWN]
    rest = [name for name in others if vocabulary.tokens.keys() >= set(words(name))]
    return Catalogue(
        size=config.size,
        channels=3,
        captions=captions,
        keys=captions,
        in_training=training,
        in_held_out=unseen(twin, training),
        may_flip=np.array([may_flip(*pair) for pair in zip(kinds, names, strict=True)])[concept],
        may_turn=np.array([may_turn(*pair) for pair in zip(kinds, names, strict=True)])[concept],
        vocabulary=vocabulary,
        is_held_out=lambda text: name_of(text.lower()) not in familiar,
        show=partial(show, familiar, rest),
        pixels=partial(pixels, config.size, path),
    )
