"""What the votes of a plan will be able to tell, before anybody is asked."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analysis.preference.outcomes import POINTS
from analysis.preference.power import half_width, intraclass, votes_for

if TYPE_CHECKING:
    from scaling.preference.vote import Vote

RATE, AIM = 0.4, 0.05
"""Where intervals are told: of a run that people still tell from real pictures; and how narrow."""
FEW = 30
"""Fewer votes say too little of ties and prompts."""
SUPPOSED = ((0.0, 0.0), (0.3, 0.0), (0.0, 0.3), (0.3, 0.3))


class Habit(NamedTuple):
    """Share of votes that are ties, and how far several votes on one prompt correlate."""

    ties: float
    correlation: float


def habits(votes: "Sequence[Vote]") -> list[Habit]:
    """Of people's votes against real pictures so far; where these are few, some supposed ones."""
    told = [
        vote
        for vote in votes
        if (vote.kind, vote.rater_kind) == ("generated_real", "human") and vote.choice in POINTS
    ]
    if len(told) < FEW:
        return [Habit(*supposed) for supposed in SUPPOSED]
    by_run: dict[str, list[Vote]] = {}
    for vote in told:
        by_run.setdefault(vote.first, []).append(vote)
    alike = [
        intraclass(
            np.array([POINTS[vote.choice] for vote in own]),
            np.array([vote.prompt_id for vote in own]),
        )
        for own in by_run.values()
    ]
    return [Habit(sum(vote.choice == "tie" for vote in told) / len(told), float(np.mean(alike)))]


def power(prompts: int, raters: int, votes: "Sequence[Vote]", each: str = "run") -> Iterator[str]:
    """Lines: half the width of each run's interval once `raters` have answered everything."""
    count, given = prompts * raters, habits(votes)
    source = "supposing" if len(given) > 1 else "as in the votes so far, with"
    yield (
        f"all answered, each {each} has {count} votes against real pictures ({prompts} prompts, "
        f"{raters} rater{'s' * (raters > 1)}); the 95 % interval of a rate of {RATE} is then"
    )
    for habit in given:
        if raters == 1 and habit.correlation and len(given) > 1:
            continue  # one vote a prompt
        ties = min(habit.ties, 2 * RATE)
        told = {
            "rate": RATE,
            "tie_rate": ties,
            "votes_per_prompt": float(raters),
            "correlation": habit.correlation,
        }
        alike = f" and votes on a prompt correlated by {habit.correlation:.2f}" * (raters > 1)
        yield (
            f"  ±{half_width(count, **told):.3f} {source} {ties:.0%} ties{alike}; "
            f"±{AIM} takes {votes_for(AIM, **told)} votes a {each}"
        )
