"""What the files of a run say about it: done, being worked on, failed, or waiting."""

import contextlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from scaling.errors import LostClaim
from sweeps.store.claims import SILENCE_SECONDS, Claim, is_held, numbers
from sweeps.store.writing import plainly, publish, read_json, to_json, write

type Status = Literal["finished", "diverged", "failed", "running", "pending"]

ATTEMPTS_ALLOWED = {"failed": 2, "died": 3, "lost": 10}
"""Attempts that may raise an error, whose process may be killed, or whose machine may go away,
before a run counts as failed. Ending the whole sweep, by whatever signal, is none of these, nor is
losing a machine after a checkpoint that is newer than any before."""

ATTEMPTS_TOGETHER = {"failed": 1, "died": 2}
"""So many before a run goes on without its cohort, lest it spoil the others' chances too. One death
may be anybody's fault, and alone a run is rounded differently: its bits would not be the same."""


@dataclass(frozen=True, kw_only=True)
class RunState:
    """A run's status; `attempt` is the one that finished, runs, or failed last.

    `alone`: whether its next attempt is not with its cohort.
    """

    status: Status
    attempt: int | None = None
    step: int | None = None
    reason: str | None = None
    failures: int = 0
    alone: bool = False

    @property
    def settled(self) -> bool:
        """Whether nothing is left to do."""
        return self.status in ("finished", "diverged", "failed")


def state_of(run: Path, clock: Callable[[], float], silence: float = SILENCE_SECONDS) -> RunState:
    """Read a run's state from its directory; nothing is written but the clock's file."""
    result = read_json(run / "result.json")
    if result is not None:
        return RunState(
            status=result["status"],
            attempt=result["attempt"],
            step=result["step"],
            reason=result["reason"],
        )
    claimed = numbers(run / "claims")
    if not claimed:
        return RunState(status="pending")
    ended = [read_json(run / "attempts" / str(n) / "ended.json") for n in claimed]
    counted = _counted(filter(None, ended))
    highest = claimed[-1]
    if is_held(run, highest, clock, silence):
        return RunState(status="running", attempt=highest, failures=len(counted))
    for status, allowed in ATTEMPTS_ALLOWED.items():
        if _count(counted, status) >= allowed:
            last = counted[-1]
            return RunState(
                status="failed",
                attempt=last["attempt"],
                reason=last["reason"],
                failures=len(counted),
            )
    alone = any(_count(counted, status) >= n for status, n in ATTEMPTS_TOGETHER.items())
    return RunState(status="pending", failures=len(counted), alone=alone)


def _counted(ended: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those attempts, in order, that are held against the run."""
    newest, counted = 0, []
    for record in ended:
        step = record.get("checkpoint", 0)
        got_on = record["status"] == "lost" and step > newest
        if record["status"] in ATTEMPTS_ALLOWED and not record["forgiven"] and not got_on:
            counted.append(record)
        newest = max(newest, step)
    return counted


def _count(ended: list[dict[str, Any]], status: str) -> int:
    return sum(record["status"] == status for record in ended)


def end(
    claim: Claim,
    status: str,
    *,
    step: int | None = None,
    reason: str | None = None,
    traceback: str | None = None,
    **more: Any,
) -> None:
    """Record how an attempt ended, which gives its claim up. Raises LostClaim if it was lost."""
    claim.check()
    write(claim.attempt / "ended.json", _record(claim, status, step, reason, traceback, **more))


def bury(claim: Claim, status: str, *, reason: str, traceback: str) -> None:
    """Record in place of a worker that is gone how its attempt ended, unless it has done so.

    Also where another has taken over since: a run that kills its workers must be found out.
    """
    with plainly(claim.attempt):
        claim.attempt.mkdir(parents=True, exist_ok=True)
    publish(claim.attempt / "ended.json", _record(claim, status, None, reason, traceback))


def _record(
    claim: Claim,
    status: str,
    step: int | None,
    reason: str | None,
    traceback: str | None,
    **more: Any,
) -> str:
    record = {
        "status": status,
        "attempt": claim.number,
        "step": step,
        "reason": reason,
        "checkpoint": max(numbers(claim.attempt / "checkpoints"), default=0),
        **more,
        "traceback": traceback,
        "forgiven": False,
    }
    return to_json(record)


def release(claims: list[Claim], status: str, **about: Any) -> None:
    """End every one of these attempts that is still ours."""
    for claim in claims:
        try:
            end(claim, status, **about)
        except LostClaim:
            continue


def settle(run: Path) -> None:
    """Publish the first attempt that reached an end as the run's result, once and for all."""
    for number in numbers(run / "attempts"):
        path = run / "attempts" / str(number) / "ended.json"
        record = read_json(path)
        if record and record["status"] in ("finished", "diverged"):
            with plainly(run), contextlib.suppress(FileExistsError):
                os.link(path, run / "result.json")
            return


def forgive(run: Path) -> None:
    """Let a failed run be tried again; its records stay."""
    for number in numbers(run / "attempts"):
        path = run / "attempts" / str(number) / "ended.json"
        record = read_json(path)
        if record and record["status"] in ATTEMPTS_ALLOWED:
            write(path, to_json({**record, "forgiven": True}))
