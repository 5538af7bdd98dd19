"""The order of pairs that narrows the law of preference over size soonest."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from analysis.preference.adaptive import behind, design
from analysis.preference.outcomes import POINTS

if TYPE_CHECKING:
    from scaling.preference.pair import Pair
    from scaling.preference.sessions import Order
    from scaling.preference.vote import Vote

AHEAD = 4
"""How many pairs are put in order; they are asked for two at a time."""


def adaptive(sizes: Mapping[str, float]) -> "Order":
    """Votes go to the run whose size lags most behind its share of the best design.

    `sizes` are parameters by run; seeds of a size share its votes. Pairs of other kinds than
    generated against real are spread over the rest, so that checks and controls keep their share.
    """
    grid = np.array(sorted(set(sizes.values())))
    place = {run: int(np.searchsorted(grid, size)) for run, size in sizes.items()}

    def order(pairs: "Sequence[Pair]", votes: "Sequence[Vote]") -> "Sequence[Pair]":
        points, count = np.zeros(len(grid)), np.zeros(len(grid))
        for vote in votes:
            if vote.kind == "generated_real" and vote.first in place and vote.choice in POINTS:
                points[place[vote.first]] += POINTS[vote.choice]
                count[place[vote.first]] += 1
        shares = design(grid, points, count).shares

        def size_of(pair: "Pair") -> int | None:
            return place.get(pair.first) if pair.kind == "generated_real" else None

        return _ahead(pairs, size_of, shares, count)

    return order


def _ahead(
    pairs: "Sequence[Pair]",
    size_of: "Callable[[Pair], int | None]",
    shares: np.ndarray,
    count: np.ndarray,
) -> "Sequence[Pair]":
    """The first AHEAD pairs of the order; of one size they keep the plan's order."""
    others: list[Pair] = []
    waiting: dict[int, list[Pair]] = {}
    for pair in reversed(pairs):
        size = size_of(pair)
        (others if size is None else waiting.setdefault(size, [])).append(pair)
    chosen: list[Pair] = []
    for left in range(len(pairs), max(len(pairs) - AHEAD, 0), -1):
        sizes = np.array([bool(waiting.get(size)) for size in range(len(shares))])
        if others and (not sizes.any() or left % round(left / len(others)) == 0):
            chosen.append(others.pop())
            continue
        size = behind(np.where(sizes, shares, -np.inf), count)
        chosen.append(waiting[size].pop())
        count[size] += 1
    return chosen
