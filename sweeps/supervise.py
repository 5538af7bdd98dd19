"""Keeps an engine's workers going until every run of a sweep is settled."""

import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from scaling.errors import InputError, Preempted
from sweeps.display import Display, clock
from sweeps.engines import Ended, Engine
from sweeps.snapshot import Snapshot, snapshot
from sweeps.store import Store
from sweeps.store.claims import Claim, heartbeat, holder_of, numbers
from sweeps.store.states import bury
from sweeps.worker import NOTHING_LEFT, PREEMPTED

BAD_INPUT = 2
FRUITLESS_ALLOWED = 3
"""Workers in a row that may end in error before claiming anything; then, unless others work,
something is wrong with them all."""

REST_SECONDS = 600.0
"""How long no more are started after that while others work, and after how long a worker that ended
so no longer counts: one place of several may be out of order."""

EXPECTED = (NOTHING_LEFT, PREEMPTED)

LAST_SECONDS = 20.0
"""How long workers may take to end by themselves when nothing is left to do; others may still wait
in a queue."""


class WorkersFailed(Exception):
    """Workers cannot even start; the message ends with their last words."""


def supervise(store: Store, engine: Engine, workers: int, display: Display) -> Snapshot:
    """Run workers until nothing is left to do, here or in another process, and say how it went.

    Raises InputError where a worker found a mistake of input or a full disk, and WorkersFailed;
    then no worker is left running. On SIGTERM it raises Preempted, on Ctrl-C KeyboardInterrupt;
    then the engine decides whether its workers go on, and the message says so.
    """
    with _sigterm_raises():
        try:
            now = _watch(store, engine, workers, display)
            engine.cancel()
            return now
        except (KeyboardInterrupt, Preempted) as stop:
            raise type(stop)(engine.leave() or str(stop)) from None
        except BaseException:
            engine.cancel()
            raise
        finally:
            display.close()


def _watch(store: Store, engine: Engine, workers: int, display: Display) -> Snapshot:
    failures, settled_at = _Failures(display), math.inf
    while True:
        running, ended = engine.poll()
        started = time.monotonic()
        claimed = [_judge(worker, store) for worker in ended]
        now = snapshot(store)
        busy = now.busy(running)
        for worker, any_claim in zip(ended, claimed, strict=True):
            in_vain = not any_claim and worker.code not in EXPECTED
            # A worker that nobody saw end may have found nothing left to do.
            in_vain &= worker.code is not None or now.free_cohorts > 0
            failures.note(worker, claimed=any_claim, in_vain=in_vain, others_work=bool(busy))
        scan = time.monotonic() - started
        display.show(now)
        if now.settled:
            settled_at = min(settled_at, started)
            if not running or started - settled_at > LAST_SECONDS:
                return now
        if failures.allow_more(running=bool(running), others_work=bool(busy)):
            idle = len(running) - len(busy)
            engine.submit(max(0, min(workers - len(running), now.free_cohorts - idle)))
        # A scan of thousands of runs takes a while: let it cost a twentieth of a core.
        time.sleep(max(0.2, 20 * scan))


@dataclass
class _Failures:
    """Workers in a row that ended in error before claiming anything."""

    display: Display
    count: int = 0
    words: str = ""
    last: float = -math.inf
    rest_until: float = -math.inf

    def note(self, worker: Ended, *, claimed: bool, in_vain: bool, others_work: bool) -> None:
        """Take a worker's end into account."""
        now = time.monotonic()
        if claimed or (others_work and now - self.last > REST_SECONDS):
            self.count = 0
        if in_vain:
            self.count, self.words, self.last = self.count + 1, worker.words, now

    def allow_more(self, *, running: bool, others_work: bool) -> bool:
        """Whether to start others in their place; raises WorkersFailed where all have failed.

        After too many it depends on those that are still starting, if there are any.
        """
        now = time.monotonic()
        if self.count < FRUITLESS_ALLOWED:
            return not running or now >= self.rest_until
        if others_work:
            self.count, self.rest_until = 0, now + REST_SECONDS
            self.display.say(
                f"{FRUITLESS_ALLOWED} workers in a row could not start; no more are started for "
                f"{clock(REST_SECONDS)} while others work; the last said:\n{self.words}"
            )
        elif not running:
            raise WorkersFailed(f"workers cannot start; the last said:\n{self.words}")
        return False


def _judge(worker: Ended, store: Store) -> bool:
    """Record what a worker left unfinished; False if it has never claimed a run."""
    if worker.code == BAD_INPUT:
        said = [line for line in worker.words.splitlines() if line.startswith("error: ")]
        raise InputError(said[-1].removeprefix("error: ") if said else _speechless(store))
    found = [
        (heartbeat(run.directory, number), holder, Claim(run.directory, number))
        for run in store.runs
        for number in numbers(run.directory / "claims")
        if (holder := holder_of(run.directory, number)).name == worker.worker
    ]
    if not found:
        return False
    _, last, _ = max(found, key=lambda claim: claim[0])
    for _, holder, claim in found:
        # An earlier worker of that name, in a job that was requeued, may have gone without a word.
        died = holder == last and worker.code not in (None, *EXPECTED)
        reason = f"its worker {_how(worker.code if holder == last else None)}"
        bury(claim, "died" if died else "lost", reason=reason, traceback=worker.words)
    return True


def _speechless(store: Store) -> str:
    """For a worker that could not even write why it ended: its log lies in the sweep."""
    return (
        f"{store.directory}: a worker could not go on, and could not write why; "
        "the disk may be full, or its quota used up"
    )


def _how(code: int | None) -> str:
    if code is None:
        return "is gone, and nobody saw it end"
    if code >= 0:
        return f"ended with exit status {code}"
    name = signal.Signals(-code).name
    hint = " (out of memory?)" if name == "SIGKILL" else ""
    return f"was killed by {name}{hint}"


@contextmanager
def _sigterm_raises() -> Iterator[None]:
    """Turn SIGTERM into Preempted, where handlers may be set."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handler(*_: Any) -> None:
        raise Preempted("terminated")

    before = signal.signal(signal.SIGTERM, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
