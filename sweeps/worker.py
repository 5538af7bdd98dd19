"""What an engine starts: claims cohorts one after another, trains them, publishes their results."""

import json
import threading
import time
import traceback as tracebacks
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scaling.errors import InputError, LostClaim, Preempted
from scaling.files import cache_directory
from sweeps.store import Store
from sweeps.store.claims import Claim, is_held, numbers, take
from sweeps.store.states import end, release, settle
from sweeps.store.writing import NO_ROOM, write

NOTHING_LEFT, FAILED, PREEMPTED = 0, 1, 75
"""A worker's exit codes; 75 is EX_TEMPFAIL of sysexits.h, "put it in the queue again"."""

type Train = Callable[[Sequence[Claim], Callable[[Any], None]], Sequence[Any]]
"""Trains the claimed runs as one cohort, tells its progress, returns one Outcome for each."""


def work(
    store: Store,
    train: Train,
    stopping: threading.Event,
    say: Callable[[str], None],
    claim: Callable[[Store], list[Claim]] | None = None,
) -> int:
    """Claim and train cohorts until none remain; returns the exit code.

    A run whose training raises is recorded as failed and the next cohort is begun, but where
    `claim` tells other processes, too, which then have lost their way. InputError and a full disk
    are nobody's fault but the directory's: they end the worker.
    """
    code = NOTHING_LEFT
    while not stopping.is_set():
        claims = (claim or claim_cohort)(store)
        if not claims:
            return code
        names = ", ".join(claim.run.name for claim in claims)
        say(f"training {names}")
        try:
            with heartbeat(claims, every=store.silence / 16):
                _finish(claims, train(claims, _Teller(claims, stopping)))
            say(f"done {names}")
        except LostClaim as lost:
            release(claims, "released", reason=str(lost))
            say(f"given up: {lost}")
            if claim is not None:
                return FAILED
        except (Preempted, KeyboardInterrupt):
            release(claims, "preempted", reason="asked to stop")
            return PREEMPTED
        except InputError:
            release_quietly(claims)
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno in NO_ROOM:
                release_quietly(claims)
                where = error.filename or store.directory
                raise InputError(f"{where}: {NO_ROOM[error.errno]}") from error
            reason = f"{type(error).__name__}: {str(error).strip().partition('\n')[0]}"
            release(claims, "failed", reason=reason, traceback=tracebacks.format_exc())
            say(f"failed {names}: {reason}")
            code = FAILED
            if claim is not None:
                return code
    return PREEMPTED


def release_quietly(claims: Sequence[Claim]) -> None:
    """Give claims up if the disk still takes it; otherwise they lapse with this process."""
    try:
        release(list(claims), "released", reason="the worker could not go on")
    except (OSError, InputError):
        return


def claim_cohort(store: Store) -> list[Claim]:
    """Claim all unsettled runs of the first free cohort; runs that keep failing go alone."""
    for cohort in store.sweep["cohorts"]:
        together: list[Path] = []
        alone: list[Path] = []
        for run_id in cohort:
            run = store.run(run_id).directory
            if (run / "result.json").exists():
                continue
            state = store.state(run_id)
            if not state.settled:
                (alone if state.alone else together).append(run)
        for group in [together, *([run] for run in alone)]:
            claims = _claim_all(group, store)
            if claims:
                return claims
    return []


def _claim_all(runs: Sequence[Path], store: Store) -> list[Claim]:
    """Claims on every one of `runs`, or on none."""
    for run in runs:
        settle(run)  # a worker may have died between finishing a run and publishing it
    runs = [run for run in runs if not (run / "result.json").exists()]
    if any(_held(run, store) for run in runs):
        return []
    claims: list[Claim] = []
    for run in runs:
        claim = take(run, store.clock, store.silence)
        if claim is None:
            release(claims, "released", reason="another worker was quicker")
            return []
        claims.append(claim)
    finished = [claim for claim in claims if (claim.run / "result.json").exists()]
    release(finished, "released", reason="finished by another worker")
    return [claim for claim in claims if claim not in finished]


def _held(run: Path, store: Store) -> bool:
    claimed = numbers(run / "claims")
    return bool(claimed) and is_held(run, claimed[-1], store.clock, store.silence)


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

    def __call__(self, progress: Any) -> None:
        now = time.time()
        if progress.phase != self.phase or now - self.last >= 1:
            self.phase, self.last = progress.phase, now
            text = json.dumps({**asdict(progress), "time": now, "cohort": self.cohort}) + "\n"
            for claim in self.claims:
                write(claim.attempt / "progress.json", text, durable=False)
        if self.stopping.is_set() and progress.phase != "done":
            raise Preempted("asked to stop")


@contextmanager
def heartbeat(claims: Sequence[Claim], *, every: float):
    """Touch the claims from a thread for as long as the block lasts."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(every):
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
