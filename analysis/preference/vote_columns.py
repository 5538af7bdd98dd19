"""What others call the columns of a table of votes, and the answers in it."""

import re
from collections.abc import Mapping, Sequence

from analysis.table.model import TableError, nearest

COLUMNS = (
    *("vote", "pair", "kind", "prompt", "prompt_id", "first", "second", "left", "choice"),
    *("rater", "rater_kind", "at", "seconds", "protocol"),
)
NEEDED = ("prompt", "first", "second", "choice", "rater")

ALIASES = {
    "vote": ("vote", "vote_id", "assignment_id", "response_id"),
    "pair": ("pair", "pair_id"),
    "kind": ("kind",),
    "prompt": ("prompt", "caption", "text"),
    "prompt_id": ("prompt_id", "caption_id"),
    "first": ("first", "source_a", "model_a", "a", "source_left", "left_source", "model_left"),
    "second": ("second", "source_b", "model_b", "b", "source_right", "right_source", "model_right"),
    "left": ("left", "shown_left"),
    "choice": ("choice", "answer", "preference", "preferred", "winner", "label"),
    "rater": ("rater", "rater_id", "worker_id", "worker", "annotator", "participant", "user"),
    "rater_kind": ("rater_kind",),
    "at": ("at", "timestamp", "time", "submitted_at", "created_at", "submit_time"),
    "seconds": ("seconds", "response_time", "duration", "work_time_in_seconds"),
    "protocol": ("protocol",),
}
"""How tables call our columns, whatever their case and underscores; the first found is taken."""

CHOICES = {
    **dict.fromkeys(("first", "a", "1", "model_a", "source_a"), "first"),
    **dict.fromkeys(("second", "b", "2", "model_b", "source_b"), "second"),
    **dict.fromkeys(("tie", "equal", "same", "draw", "both", "neither"), "tie"),
    "skip": "skip",
}
"""Answers by source, in lower case."""

SIDES = ("left", "right")
"""Answers by place, for those who know which source was there."""


def choose(present: Sequence[str], asked: Mapping[str, str], source: str) -> dict[str, str]:
    """The column for each of ours that there is: the one asked for, else by its name.

    Where columns `left` and `right` name the sources, those are the first and the second.
    TableError for a column that is missing, or that we do not have.
    """
    for ours, theirs in asked.items():
        if ours not in COLUMNS:
            raise TableError(f"votes have no column '{ours}'{nearest(ours, COLUMNS)}")
        if theirs not in present:
            raise TableError(f"{source}: no column '{theirs}'{nearest(theirs, present)}")
    found = dict(asked)
    free = {plain(name): name for name in reversed(present) if name not in asked.values()}
    for ours, aliases in ALIASES.items():
        if theirs := next((free[a] for a in map(plain, aliases) if a in free), None):
            found.setdefault(ours, theirs)
    if "right" in free and found.get("left") == free.get("left") and "first" not in found:
        found |= {"first": found.pop("left"), "second": free["right"]}
    for ours in NEEDED:
        if ours not in found:
            raise TableError(
                f"{source}: no column is recognised as '{ours}'; name it with --columns "
                f"'{ours}=...'{nearest(ours, present)}"
            )
    return found


def first_is_left(found: Mapping[str, str]) -> bool:
    """Whether the columns of the sources say in their names on which side each was."""
    return "left" in plain(found["first"]) and "right" in plain(found["second"])


def plain(name: str) -> str:
    """Small letters and digits alone: 'WorkerId' is worker_id."""
    return re.sub(r"[\W_]+", "", name.lower())
