"""The interface of a judge, and the rate at which it prefers generated images to real ones."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Int, UInt8

from scaling.measure.distances.estimate import TWO_SIDED_95, Estimate

Images = UInt8[np.ndarray, "n h w 3"]
Scores = Float[np.ndarray, " n"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Side:
    """Images and the caption of each."""

    images: Images
    captions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """Scores [n] of both sides, higher for better.

    `spread` is how much wider than of independent pairs the rate of wins spreads where the sides
    do not differ: 1 for a judge that learnt nothing from these images.
    """

    generated: Scores
    real: Scores
    spread: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Judge:
    """`compare(generated, real, ids)` scores both sides of every pair; `ids` are the pairs' own.

    Invariant to the order of pairs. `about` says how it judges, and `sha256` is of that and of
    all that it was made from. `control` says which real images stand for generated ones where the
    truth is a rate of one half: of training, or held-out ones with their own captions.
    """

    name: str
    sha256: str
    about: dict[str, Any]
    control: Literal["training", "held_out"]
    compare: Callable[[Side, Side, Int[np.ndarray, " n"]], Judged]


def digest(about: dict[str, Any]) -> str:
    """The sha256 of all that decides a judge's scores."""
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()


def by_score(
    score: Callable[[Images, Sequence[str]], Scores],
) -> Callable[[Side, Side, Int[np.ndarray, " n"]], Judged]:
    """The comparison of a judge that scores each image with its caption, by itself."""

    def compare(generated: Side, real: Side, ids: Int[np.ndarray, " n"]) -> Judged:
        first, second = (score(side.images, side.captions) for side in (generated, real))
        return Judged(generated=first, real=second)

    return compare


def scoring(
    name: str, about: dict[str, Any], score: Callable[[Images, Sequence[str]], Scores]
) -> Judge:
    """A judge that scores each image with its caption, by itself, and is held to `held_out`."""
    return Judge(
        name=name,
        sha256=digest(about),
        about=about,
        control="held_out",
        compare=by_score(score),
    )


def points(generated: Float[np.ndarray, "n *s"], real: Float[np.ndarray, "n *s"]) -> np.ndarray:
    """1 where the generated image wins, 1/2 for a tie."""
    return 0.5 * (1.0 + np.sign(np.asarray(generated, np.float64) - real))


def win_rate(judged: Judged) -> Estimate:
    """Wins and half the ties over pairs, in Wilson's interval, `spread` times as far to each side.

    (p + z²/2n ± z sqrt(p (1 - p) / n + z²/4n²)) / (1 + z²/n): Wilson 1927. Open at 0 and at 1.
    """
    won = points(judged.generated, judged.real)
    n, z, p = len(won), TWO_SIDED_95, float(won.mean())
    middle = p + z**2 / (2 * n)
    reach = z * sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    low, high = ((middle + side * reach) / (1 + z**2 / n) for side in (-1, 1))
    low, high = p - judged.spread * (p - low), p + judged.spread * (high - p)
    return Estimate(value=p, low=max(0.0, low), high=min(1.0, high))
