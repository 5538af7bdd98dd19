"""Votes from elsewhere, each taken in once."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from uuid import NAMESPACE_URL, uuid5

from scaling.errors import InputError
from scaling.preference.pair import pair_id
from scaling.preference.pictures import DEGRADED, REAL
from scaling.preference.settings import is_setting
from scaling.preference.vote import Vote
from scaling.preference.votes import VoteFile

SCREEN = 20
"""Problems shown at once; the rest are counted."""


@dataclass(frozen=True, kw_only=True)
class Taken:
    """How many votes were added, how many were there before, and what to know of the latter."""

    added: int
    known: int
    notes: tuple[str, ...]


def identified(vote: Vote, before: int = 0) -> Vote:
    """With names of the pair and of the vote that follow from the rest, where it has none.

    A prompt has many pairs of real pictures, and perhaps several checks: `before` of these that a
    rater answered stand above in the same table, and tell this one apart.
    """
    told = f"after {before}" if before and vote.first == REAL else ""
    pair = vote.pair or pair_id(vote.kind, vote.prompt_id, vote.first, vote.second, told)
    name = "\0".join((vote.rater, pair, vote.choice, vote.at))
    return replace(vote, pair=pair, vote=vote.vote or str(uuid5(NAMESPACE_URL, name)))


def take(lines: Mapping[int, Vote], file: VoteFile, sources: Collection[str], source: str) -> Taken:
    """Append the votes that are not there: no vote twice, and no pair twice by one rater.

    InputError, before anything is written, names the lines of `source` that are on none of
    `sources`, the runs of the sweep and their settings, nor on ground truth.
    """
    known_sources = {*sources, REAL, DEGRADED}
    strangers = {
        line: next(name for name in (vote.first, vote.second) if name not in known_sources)
        for line, vote in lines.items()
        if not {vote.first, vote.second} <= known_sources
    }
    if strangers:
        told = [f"{source}:{line}: no {_called(name)}" for line, name in strangers.items()]
        more = len(told) - SCREEN
        raise InputError("\n".join(told[:SCREEN] + ([f"... and {more} more"] if more > 0 else [])))
    ballot = file.ballot
    by_pair = {(vote.rater, vote.pair): vote for vote in ballot.votes.values()}
    new, known, notes = [], 0, []
    for line, vote in lines.items():
        if vote.vote in ballot.votes or vote.vote in ballot.undone:
            known += 1
        elif (earlier := by_pair.setdefault((vote.rater, vote.pair), vote)) is vote:
            new.append(vote)
        else:
            known += 1
            if earlier.choice != vote.choice:
                notes.append(
                    f"{source}:{line}: {vote.rater} has answered this pair before, "
                    f"'{earlier.choice}' and not '{vote.choice}'; the earlier answer stays"
                )
    if new:
        file.add(*new)
    return Taken(added=len(new), known=known, notes=tuple(notes))


def _called(source: str) -> str:
    """A source that is not there."""
    if is_setting(source):
        return f"run in this sweep kept pictures that are called '{source}'"
    return f"run '{source}' in this sweep"
