"""Which two pictures are shown for which prompt, on which side, and in which order."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

import numpy as np

from scaling.errors import InputError
from scaling.preference import extras
from scaling.preference.pair import Pair, pair_for
from scaling.preference.pictures import REAL, Pictures
from scaling.preference.spacing import balanced_sides, mixed, rounds

QUESTION = "Which do you prefer for these words?"
CONTROLS = "two real pictures of one caption; else of one concept; else of two, one caption shown"


@dataclass(frozen=True, kw_only=True)
class Shares:
    """Of all pairs: two runs against each other, two real pictures, attention checks."""

    models: float = 0.0
    controls: float = 0.05
    checks: float = 0.05

    def counts(self, generated: int) -> tuple[int, int, int]:
        """How many of each go with so many pairs of generated against real."""
        shares = (self.models, self.controls, self.checks)
        if min(shares) < 0 or sum(shares) > 0.9:
            raise InputError("shares of pairs must not be negative, nor more than 0.9 together")
        models, controls, checks = (round(s * generated / (1 - sum(shares))) for s in shares)
        return models, controls, checks


def plan(pictures: Pictures, shares: Shares, seed: int) -> list[Pair]:
    """Every prompt with every run, and the others mixed in, in a seeded order.

    A prompt comes again only when all others have been shown, and with another run.
    """
    rng = np.random.default_rng(seed)
    models, controls, checks = shares.counts(len(pictures.ids) * len(pictures.runs))
    main = [
        pair_for(pictures, "generated_real", i, pictures.runs[run], REAL)
        for i, run in chain.from_iterable(rounds(len(pictures.ids), len(pictures.runs), rng))
    ]
    others = [
        *islice(extras.models(pictures, rng), models),
        *islice(extras.controls(pictures, rng), controls),
        *islice(extras.checks(pictures, rng), checks),
    ]
    return balanced_sides(mixed(main, others, rng), rng)


def protocol(pictures: Pictures, pair: Pair) -> dict[str, Any]:
    """What makes judgements of such pairs comparable."""
    runs = [source for source in (pair.first, pair.second) if source in pictures.generated]
    about = {"question": QUESTION, "samples": [pictures.protocols[run] for run in runs]}
    return {**about, "controls": CONTROLS} if pair.kind == "control" else about


def counted(pairs: Sequence[Pair], each: str = "run") -> str:
    """'40 pairs: 36 generated against real, 2 of two real pictures, 2 attention checks'."""
    counts = Counter(pair.kind for pair in pairs)
    words = IN_WORDS | {"models": f"of two {each}s"}
    told = ", ".join(f"{counts[kind]} {text}" for kind, text in words.items() if counts[kind])
    return f"{len(pairs)} pairs: {told}"


IN_WORDS = {
    "generated_real": "generated against real",
    "models": "of two runs",
    "control": "of two real pictures",
    "check": "attention checks",
}
