"""What an engine must offer."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Ended:
    """A worker that has ended: negative codes are signals; `words` is the end of what it said."""

    pid: int
    code: int
    words: str


class Engine(Protocol):
    """A place where identical workers execute; they find their work themselves."""

    def render(self) -> str:
        """The exact commands that `submit` would start, for a dry run."""
        ...

    def submit(self, count: int) -> None:
        """Start `count` more workers."""
        ...

    def poll(self) -> tuple[list[int], list[Ended]]:
        """Process numbers of the workers that run, and those that ended since the last call."""
        ...

    def cancel(self) -> None:
        """End all workers: ask first, then insist; returns when none is left."""
        ...
