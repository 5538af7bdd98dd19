"""What an engine must offer."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Ended:
    """A worker that has ended: negative codes are signals; `words` is the end of what it said.

    `worker` is the name in its claims. No code: nobody saw it end (its machine is gone, say).
    """

    worker: str
    code: int | None
    words: str


class Engine(Protocol):
    """A place where identical workers execute; they find their work themselves."""

    def render(self) -> str:
        """The exact commands that `submit` would start, for a dry run."""
        ...

    def submit(self, count: int) -> None:
        """Start `count` more workers, or put them in a queue."""
        ...

    def poll(self) -> tuple[list[str], list[Ended]]:
        """Names of the workers that run or wait for a place, and those that ended since the last.

        A worker's name is what the engine gave it as SCALING_WORKER, else `host:process number`.
        """
        ...

    def cancel(self) -> None:
        """End all workers: ask first, then insist; returns when none is left."""
        ...

    def leave(self) -> str:
        """The person who watches goes away: end all workers, or say who goes on and how to stop it.

        Empty where no worker is left.
        """
        ...
