"""What a line of votes.jsonl says."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from pydantic import ConfigDict, TypeAdapter, with_config

type Choice = Literal["first", "second", "tie", "skip"]


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, kw_only=True)
class Vote:
    """One judgement with all that statistics need; `seconds` is the time to answer, if known.

    `left` and `at` (ISO 8601, UTC) are empty where nobody knows them.
    """

    vote: str
    pair: str
    kind: str
    prompt: str
    prompt_id: str
    first: str
    second: str
    left: Literal["first", "second", ""]
    choice: Choice
    rater: str
    rater_kind: Literal["human", "judge"] = "human"
    at: str = ""
    seconds: float | None = None
    protocol: str = ""


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, kw_only=True)
class Undo:
    """A rater takes a vote back."""

    undo: str
    rater: str
    at: str


LINE = TypeAdapter(Vote | Undo)
"""What a line of the file may be."""


def now() -> str:
    """The time as votes tell it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
