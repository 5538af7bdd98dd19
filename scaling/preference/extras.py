"""Pairs to mix in with those of generated against real, as many as are asked for, or there are."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations, cycle

import numpy as np

from scaling.errors import InputError
from scaling.preference.pair import Pair, pair_for, pair_id
from scaling.preference.pictures import DEGRADED, REAL, Pictures


def models(pictures: Pictures, rng: np.random.Generator) -> Iterator[Pair]:
    """Every two runs alike often, in turn, each time for another prompt."""
    couples = list(combinations(pictures.runs, 2))
    if not couples:
        raise InputError("two runs against each other need two finished runs with pictures")
    prompts = {couple: rng.permutation(len(pictures.ids)) for couple in couples}
    for k in range(len(pictures.ids)):
        for c in rng.permutation(len(couples)):
            couple = couples[c]
            yield pair_for(pictures, "models", int(prompts[couple][k]), *couple)


def checks(pictures: Pictures, rng: np.random.Generator) -> Iterator[Pair]:
    """A real picture against one made obviously bad, otherwise in every round of the prompts."""
    order = rng.permutation(len(pictures.ids))
    for k, i in enumerate(cycle(order.tolist())):
        yield pair_for(pictures, "check", i, REAL, DEGRADED, str(k // len(order)))


def controls(pictures: Pictures, rng: np.random.Generator) -> Iterator[Pair]:
    """Two real pictures, as like in caption as there are; no two of them twice."""
    seen: set[frozenset[int]] = set()
    by_name = _namesakes(pictures.captions)
    count = len(pictures.ids)
    while len(seen) < count * (count - 1) // 2:
        for i in rng.permutation(count).tolist():
            prompt, mates = next(
                (name, free)
                for name, group in by_name[i]
                if (free := [j for j in group if j != i and frozenset((i, j)) not in seen])
                or name is None
            )
            if not mates:
                continue
            j = int(rng.choice(mates))
            seen.add(frozenset((i, j)))
            one_of_both = pictures.captions[(i, j)[rng.integers(2)]]
            yield Pair(
                pair=pair_id("control", pictures.ids[i], REAL, REAL, pictures.ids[j]),
                kind="control",
                prompt=one_of_both if prompt is None else prompt,
                prompt_id=pictures.ids[i],
                first=REAL,
                second=REAL,
                other_id=pictures.ids[j],
            )


def _namesakes(captions: Sequence[str]) -> list[list[tuple[str | None, Sequence[int]]]]:
    """For each caption: those of the same words, of the same concept, and all (under None).

    A concept is what stands before the last comma: 'lemon, noto emoji' shows a 'lemon'.
    """
    same: dict[str, list[int]] = defaultdict(list)
    named = [list(dict.fromkeys((text, text.rpartition(", ")[0] or text))) for text in captions]
    for i, names in enumerate(named):
        for name in names:
            same[name].append(i)
    everyone: tuple[str | None, Sequence[int]] = (None, range(len(captions)))
    return [[*((name, same[name]) for name in names), everyone] for names in named]
