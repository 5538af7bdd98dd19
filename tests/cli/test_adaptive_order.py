"""Which pair is asked about next: by the law's design, without losing checks or pairs."""

import numpy as np

from scaling.cli.adaptive_order import adaptive
from scaling.preference.pair import Pair
from scaling.preference.sessions import OF_PAIR
from scaling.preference.vote import Vote

SIZES = {f"run {i}": float(size) for i, size in enumerate(np.geomspace(1e4, 4e5, 6))}


def pair(number, run, kind="generated_real"):
    return Pair(
        pair=str(number), kind=kind, prompt="", prompt_id=str(number), first=run, second="real"
    )


def test_every_pair_comes_once_and_most_on_the_sizes_that_tell():
    rng = np.random.default_rng(0)
    runs = list(SIZES)
    pairs = [pair(i, runs[rng.integers(6)]) for i in range(600)]
    pairs[::10] = [pair(i, "real", "check") for i in range(0, 600, 10)]
    order, votes, kinds = adaptive(SIZES), [], []
    left = list(pairs)
    for _ in range(300):
        chosen = order(left, votes)[0]
        left = [item for item in left if item.pair != chosen.pair]
        kinds.append(chosen.kind)
        if chosen.kind == "generated_real":
            truth = 0.5 - 6 * SIZES[chosen.first] ** -0.3
            choice = "first" if rng.random() < truth else "second"
            about = {name: getattr(chosen, name) for name in OF_PAIR}
            votes.append(Vote(vote=chosen.pair, choice=choice, rater="r", **about))
    assert len(left) == 300
    assert kinds.count("check") == 30, "checks keep their places"
    count = [sum(vote.first == run for vote in votes) for run in runs]
    assert count[0] + count[-1] > 0.6 * len(votes), count
    assert min(count) >= 0.02 * len(votes), count


def test_when_a_size_has_no_pairs_left_the_others_are_asked():
    pairs = [pair(i, "run 3") for i in range(3)]
    assert [item.pair for item in adaptive(SIZES)(pairs, [])] == ["0", "1", "2"]
