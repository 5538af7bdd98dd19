"""Who works on a run: `claims/<n>`, its modification time the heartbeat of attempt n.

A claim is made by `link`, which exactly one of several contenders can do. It is taken over by
making the next one, and only when its holder has ended, has said so, or has been silent for longer
than a limit by the file server's clock. A holder that slept through that finds a higher claim at
its next check and must leave at once. No file ever has two writers: attempt n writes only below
`attempts/<n>/`.
"""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from scaling.errors import LostClaim
from sweeps.store.processes import Holder, this_process
from sweeps.store.writing import plainly, publish, read_json

SILENCE_SECONDS = 240.0
"""How long a holder may be silent before others take over; network file systems lag by a minute."""


@dataclass(frozen=True)
class Claim:
    """Attempt `number` at the run in `run`, held by this process until `check` raises."""

    run: Path
    number: int

    @property
    def path(self) -> Path:
        """The claim's file."""
        return self.run / "claims" / str(self.number)

    @property
    def attempt(self) -> Path:
        """The only directory that this attempt writes to."""
        return self.run / "attempts" / str(self.number)

    @property
    def earlier(self) -> tuple[Path, ...]:
        """Directories of earlier attempts, newest first."""
        return tuple(
            self.run / "attempts" / str(n)
            for n in numbers(self.run / "attempts")[::-1]
            if n < self.number
        )

    def check(self) -> None:
        """Raise LostClaim when another has taken over; called before every write.

        Another machine's view of the folder may be too old to show even our own claim.
        """
        highest = max(numbers(self.run / "claims"), default=0)
        if highest > self.number:
            raise LostClaim(
                f"run {self.run.name}: attempt {highest} has taken over from {self.number}"
            )

    def beat(self) -> None:
        """Show that this attempt is alive."""
        os.utime(self.path)


def take(run: Path, clock: Callable[[], float], silence: float = SILENCE_SECONDS) -> Claim | None:
    """Claim a run for this process, or None when another holds it or was quicker."""
    highest = max(numbers(run / "claims"), default=0)
    if highest and is_held(run, highest, clock, silence):
        return None
    claim = Claim(run, highest + 1)
    with plainly(run):
        claim.path.parent.mkdir(parents=True, exist_ok=True)
        if not publish(claim.path, json.dumps(asdict(this_process())) + "\n"):
            return None
        claim.attempt.mkdir(parents=True, exist_ok=True)
    return claim


def is_held(run: Path, number: int, clock: Callable[[], float], silence: float) -> bool:
    """Whether claim `number` must be respected."""
    if (run / "attempts" / str(number) / "ended.json").exists():
        return False
    if holder_of(run, number).is_gone():
        return False
    return clock() - heartbeat(run, number) < silence


def holder_of(run: Path, number: int) -> Holder:
    """The process that made a claim."""
    return Holder(**read_json(run / "claims" / str(number)))


def heartbeat(run: Path, number: int) -> float:
    """When a claim's holder last showed that it is alive, by the file server's clock."""
    return (run / "claims" / str(number)).stat().st_mtime


def server_clock(directory: Path) -> float:
    """The file server's time: that of a file touched just now."""
    path = directory / ".clock"
    with plainly(path):
        path.touch()
        return path.stat().st_mtime


def numbers(directory: Path) -> list[int]:
    """The numbered entries of a directory, ascending; temporary files are not numbers."""
    try:
        return sorted(int(path.name) for path in directory.iterdir() if path.name.isdigit())
    except FileNotFoundError:
        return []
