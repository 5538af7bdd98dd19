"""Orders of pairs that tell nobody anything: prompts apart, sides balanced, extras strewn in."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import cycle

import numpy as np

from scaling.preference.pair import Pair

BLOCK = 8
"""Pairs of the same sources within which sides are balanced exactly (permuted blocks)."""


def rounds(prompts: int, runs: int, rng: np.random.Generator) -> Iterator[list[tuple[int, int]]]:
    """As many rounds as runs: each shows every prompt once, each time with another run.

    In a round every run comes alike often, but for one. A prompt does not come again before half of
    the others have been shown: the two halves of a round are shuffled apart.
    """
    start, names = rng.permutation(prompts), rng.permutation(runs)
    halves = np.array_split(rng.permutation(prompts), 2)
    for k in range(runs):
        order = np.concatenate([rng.permutation(half) for half in halves])
        yield [(int(i), int(names[(start[i] + k) % runs])) for i in order]


def mixed(main: Sequence[Pair], others: Sequence[Pair], rng: np.random.Generator) -> list[Pair]:
    """`main` in its order, with the others at places drawn at random."""
    total = len(main) + len(others)
    strewn = np.zeros(total, bool)
    strewn[rng.choice(total, len(others), replace=False)] = True
    from_main, from_others = iter(main), iter([others[i] for i in rng.permutation(len(others))])
    return [next(from_others if other else from_main) for other in strewn]


def balanced_sides(pairs: Sequence[Pair], rng: np.random.Generator) -> list[Pair]:
    """Of every kind and sources, either is left alike often, also within the first so many."""
    left = dict[str, str]()
    groups: dict[tuple[str, str, str], list[Pair]] = {}
    for pair in pairs:
        groups.setdefault((pair.kind, pair.first, pair.second), []).append(pair)
    odd = cycle(("first", "second"))  # of groups of odd size, so that all together are balanced
    for group in groups.values():
        for start in range(0, len(group), BLOCK):
            block = group[start : start + BLOCK]
            sides = ["first", "second"] * (len(block) // 2)
            sides += [next(odd)] if len(block) % 2 else []
            for pair, side in zip(block, rng.permutation(sides), strict=True):
                left[pair.pair] = str(side)
    return [replace(pair, left=left[pair.pair]) for pair in pairs]
