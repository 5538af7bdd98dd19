"""A judge of how well an image fits its caption, learnt from training images alone.

A ridge map takes features of an image to the words of its caption, and the score is the cosine
between where an image is taken and its caption.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int, UInt8

from scaling.data.captions import UNKNOWN
from scaling.measure.features import protocol
from scaling.measure.judges.eye import Eye
from scaling.measure.judges.judge import Judge, Scores, scoring
from scaling.measure.kept_features import sha256

NAME = "caption_match"
RIDGE = 3.0
"""Times the mean of the kernel's diagonal."""

Tokens = Int[np.ndarray, "n t"]
Vectors = Float[np.ndarray, "n v"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Matching:
    """What was learnt: of features [d] their mean and scale, and the map [d, v] to words.

    `rarity` [v] is how much a word counts, and `centre` [v] the mean caption.
    """

    mean: np.ndarray
    scale: np.ndarray
    map: np.ndarray
    rarity: np.ndarray
    centre: np.ndarray

    def scores(self, features: Float[np.ndarray, "n d"], tokens: Tokens) -> Scores:
        """Cosines between images and captions, of which 0 is as good as chance."""
        seen = (features.astype(np.float64) - self.mean) / self.scale @ self.map
        told = words_of(tokens, self.rarity) - self.centre
        return np.sum(unit(seen) * unit(told), axis=1)


def learn(features: Float[np.ndarray, "n d"], tokens: Tokens, vocabulary: int) -> Matching:
    """From training images and their captions."""
    found = np.asarray(features, np.float64)
    mean, scale = found.mean(axis=0), found.std(axis=0) + 1e-6
    count = len(tokens)
    seen = words_of(tokens, np.ones(vocabulary)).astype(bool).sum(axis=0)
    # Inverse document frequency, log(n / n_w): Sparck Jones 1972.
    rarity = np.where(seen > 0, np.log(count / np.maximum(seen, 1)), 0.0)
    told = words_of(tokens, rarity)
    centre = told.mean(axis=0)
    x = (found - mean) / scale
    kernel = x @ x.T
    penalty = RIDGE * np.trace(kernel) / count * np.eye(count)
    learnt = x.T @ np.linalg.solve(kernel + penalty, told - centre)
    return Matching(mean=mean, scale=scale, map=learnt, rarity=rarity, centre=centre)


def words_of(tokens: Tokens, rarity: Float[np.ndarray, " v"]) -> Vectors:
    """The known words of each caption, rare ones counting more, at length 1."""
    vectors = np.zeros((len(tokens), len(rarity)))
    rows, places = np.nonzero(tokens > UNKNOWN)
    vectors[rows, tokens[rows, places]] = 1.0
    return unit(vectors * rarity)


def unit(vectors: Vectors) -> Vectors:
    """At length 1; zeros stay."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def judge(
    eye: Eye,
    images: UInt8[np.ndarray, "n h w c"],
    tokens: Tokens,
    vocabulary: int,
    encode: Callable[[Sequence[str]], Any],
) -> Judge:
    """Taught by training images and the words of their captions; `encode` gives those of others."""
    about: dict[str, Any] = {
        "judge": NAME,
        "map": f"ridge regression, {RIDGE} of the kernel's mean diagonal, to words by rarity",
        "training": len(images),
        "training_sha256": sha256(images),
        "features": asdict(protocol.of(eye.network)),
    }
    learnt: list[Matching] = []

    def score(pictures: UInt8[np.ndarray, "m h w 3"], captions: Sequence[str]) -> Scores:
        if not learnt:
            learnt.append(learn(eye.fixed(images), tokens, vocabulary))
        return learnt[0].scores(eye(pictures), np.asarray(encode(captions)))

    return scoring(NAME, about, score)
