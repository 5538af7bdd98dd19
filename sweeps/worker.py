"""What an engine starts: claims cohorts one after another, trains them, publishes their results."""

import errno
import json
import os
import re
import threading
import time
import traceback as tracebacks
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from scaling.errors import InputError, LostClaim, Preempted
from scaling.files import cache_directory
from sweeps.claiming import Seeker
from sweeps.display import clock
from sweeps.store import Store
from sweeps.store.claims import Claim
from sweeps.store.states import end, release, settle
from sweeps.store.writing import NO_ROOM, write

NOTHING_LEFT, FAILED, PREEMPTED = 0, 1, 75
"""A worker's exit codes; 75 is EX_TEMPFAIL of sysexits.h, "put it in the queue again"."""

AWAY = {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EREMOTEIO, errno.EHOSTDOWN, errno.ENOTCONN}
"""What a disk or a file server says that is out of order: nothing about the run."""

OTHERS_GONE = re.compile(r"(ABORTED|CANCELLED|DEADLINE_EXCEEDED|INTERNAL|UNAVAILABLE|UNKNOWN): ")
"""How a collective fails when a process of the group is gone; other codes tell of the program."""

type Train = Callable[[Sequence[Claim], Callable[[Any], None]], Sequence[Any]]
"""Trains the claimed runs as one cohort, tells its progress, returns one Outcome for each."""


def work(
    store: Store,
    train: Train,
    stopping: threading.Event,
    say: Callable[[str], None],
    claim: Callable[[Store], list[Claim] | None] | None = None,
    *,
    fragile: bool = False,
) -> int:
    """Claim and train cohorts until none remain; returns the exit code.

    A run whose training raises is recorded as failed and the next cohort is begun, but where
    `claim` tells other processes, too, which then have lost their way, and where this process is
    `fragile`: an accelerator may be out of order after that, and spoil run after run. A disk, file
    server or process of the group that is gone counts as a lost machine, and ends the worker, too.
    InputError and a full disk are nobody's fault but the directory's: they end the worker.
    """
    code = NOTHING_LEFT
    patience = store.sweep["engine"]["stalled_seconds"]
    seek = claim or Seeker(say)
    while not stopping.is_set():
        claims = seek(store)
        if claims is None:
            continue
        if not claims:
            return code
        names = ", ".join(claim.run.name for claim in claims)
        say(f"training {names}")
        try:
            teller = _Teller(claims, stopping)
            with heartbeat(claims, store.silence / 16, _Patience(claims, teller, patience, say)):
                _finish(claims, train(claims, teller))
            say(f"done {names}")
        except (Preempted, KeyboardInterrupt):
            release(claims, "preempted", reason="asked to stop")
            return PREEMPTED
        except InputError:
            release_quietly(claims)
            raise
        except Exception as error:
            status = _give_up(error, claims, store, say, together=claim is not None)
            if status == "lost" or (status == "failed" and fragile):
                return PREEMPTED
            if claim is not None:
                return FAILED
            if status == "failed":
                code = FAILED
    return PREEMPTED


def _give_up(
    error: Exception,
    claims: Sequence[Claim],
    store: Store,
    say: Callable[[str], None],
    *,
    together: bool,
) -> str:
    """Record that training has raised, and say it; as what it counts. InputError on a full disk."""
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        release_quietly(claims)
        where = error.filename or store.directory
        raise InputError(f"{where}: {NO_ROOM[error.errno]}") from error
    # Whoever has taken over deletes checkpoints that an attempt which slept may look for.
    if lost := error if isinstance(error, LostClaim) else _lost(claims):
        release(list(claims), "released", reason=str(lost))
        say(f"given up: {lost}")
        return "released"
    away = isinstance(error, OSError) and error.errno in AWAY
    away |= together and bool(OTHERS_GONE.search(str(error)))
    status = "lost" if away else "failed"
    names = ", ".join(claim.run.name for claim in claims)
    reason = f"{type(error).__name__}: {str(error).strip().partition('\n')[0]}"
    traceback = "".join(tracebacks.format_exception(error))
    release_quietly(claims, status, reason=reason, traceback=traceback)
    say(f"{status} {names}: {reason}")
    return status


def _lost(claims: Sequence[Claim]) -> LostClaim | None:
    """Whether another has taken one of them over, as far as the disk tells."""
    try:
        for claim in claims:
            claim.check()
    except LostClaim as lost:
        return lost
    except OSError:
        return None
    return None


def release_quietly(
    claims: Sequence[Claim],
    status: str = "released",
    reason: str = "the worker could not go on",
    **about: Any,
) -> None:
    """Give claims up if the disk still takes it; otherwise they lapse with this process."""
    try:
        release(list(claims), status, reason=reason, **about)
    except (OSError, InputError):
        return


def _finish(claims: Sequence[Claim], outcomes: Sequence[Any]) -> None:
    """Record every outcome, then publish: a death in between loses nothing."""
    for claim, outcome in zip(claims, outcomes, strict=True):
        end(claim, **asdict(outcome))
    for claim in claims:
        settle(claim.run)


class _Teller:
    """Writes a cohort's progress beside each of its runs, at most once a second."""

    def __init__(self, claims: Sequence[Claim], stopping: threading.Event):
        self.claims, self.stopping = claims, stopping
        self.cohort = [claim.run.name for claim in claims]
        self.phase, self.last = "", 0.0
        self.told = time.monotonic()

    def __call__(self, progress: Any) -> None:
        self.told, now = time.monotonic(), time.time()
        if progress.phase != self.phase or now - self.last >= 1:
            self.phase, self.last = progress.phase, now
            text = json.dumps({**asdict(progress), "time": now, "cohort": self.cohort}) + "\n"
            for claim in self.claims:
                write(claim.attempt / "progress.json", text, durable=False)
        if self.stopping.is_set() and progress.phase != "done":
            raise Preempted("asked to stop")


class _Patience:
    """Ends this process when it has told no progress for too long: a collective may hang for ever.

    Nothing else can: what hangs is no Python. The attempts count as died.
    """

    def __init__(
        self,
        claims: Sequence[Claim],
        teller: _Teller,
        seconds: float,
        say: Callable[[str], None],
        leave: Callable[[int], Any] = os._exit,
    ):
        self.claims, self.teller, self.seconds = claims, teller, seconds
        self.say, self.leave = say, leave

    def __call__(self) -> None:
        """Look whether it is time; called with each heartbeat."""
        if time.monotonic() - self.teller.told < self.seconds:
            return
        phase = self.teller.phase or "start"
        reason = f"no progress for {clock(self.seconds)} (engine.stalled_seconds) in {phase}"
        release_quietly(self.claims, "died", reason=reason)
        self.say(reason)
        self.leave(PREEMPTED)


@contextmanager
def heartbeat(claims: Sequence[Claim], every: float, look: Callable[[], None] = lambda: None):
    """Touch the claims from a thread for as long as the block lasts, and `look` each time."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(every):
            look()
            for claim in claims:
                try:
                    claim.beat()
                except OSError:
                    continue  # a file server that is away for a moment; the next beat tells

    thread = threading.Thread(target=beat, daemon=True, name="heartbeat")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def trainer(store: Store) -> Train:
    """Training by `scaling.run.run_cohort` with the manifest's engine settings; imports jax."""
    from scaling import group
    from scaling.attempt import Member
    from scaling.config import RunConfig
    from scaling.profile import Window
    from scaling.run import Execution, run_cohort

    engine = store.sweep["engine"]
    execution = Execution(
        steps_per_call=engine["steps_per_call"],
        fsdp=engine["fsdp"],
        checkpoint_seconds=engine["checkpoint_seconds"],
        compilation_cache=cache_directory("compiled"),
        profile=Window(**engine["profile"]) if engine["profile"] else None,
    )

    def train(claims: Sequence[Claim], progress: Callable[[Any], None]) -> Sequence[Any]:
        members = [
            Member(
                config=RunConfig.model_validate(store.run(claim.run.name).record["config"]),
                directory=claim.attempt,
                earlier=claim.earlier,
                check=claim.check,
                writes=group.is_first(),
            )
            for claim in claims
        ]
        return run_cohort(members, execution=execution, progress=progress)

    return train
