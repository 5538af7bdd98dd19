"""Keeps an engine's workers going until every run of a sweep is settled."""

import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from scaling.errors import InputError, Preempted
from sweeps.display import Display
from sweeps.engines import Ended, Engine
from sweeps.snapshot import Snapshot, snapshot
from sweeps.store import Store
from sweeps.store.claims import Claim, holder_of, numbers
from sweeps.store.states import bury
from sweeps.worker import NOTHING_LEFT, PREEMPTED

BAD_INPUT = 2
FRUITLESS_ALLOWED = 3
"""Workers that may end in error before claiming anything; then something is wrong with them all."""

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
    fruitless, settled_at = 0, math.inf
    while True:
        running, ended = engine.poll()
        started = time.monotonic()
        claimed = [_judge(worker, store) for worker in ended]
        now = snapshot(store)
        for worker, any_claim in zip(ended, claimed, strict=True):
            in_vain = not any_claim and worker.code not in EXPECTED
            # A worker that nobody saw end may have found nothing left to do.
            fruitless += in_vain and (worker.code is not None or now.free_cohorts > 0)
            if fruitless >= FRUITLESS_ALLOWED:
                raise WorkersFailed(f"workers cannot start; the last said:\n{worker.words}")
        scan = time.monotonic() - started
        display.show(now)
        if now.settled:
            settled_at = min(settled_at, started)
            if not running or started - settled_at > LAST_SECONDS:
                return now
        idle = len(running) - len(now.busy(running))
        engine.submit(max(0, min(workers - len(running), now.free_cohorts - idle)))
        # A scan of thousands of runs takes a while: let it cost a twentieth of a core.
        time.sleep(max(0.2, 20 * scan))


def _judge(worker: Ended, store: Store) -> bool:
    """Record what a worker left unfinished; False if it has never claimed a run."""
    if worker.code == BAD_INPUT:
        said = [line for line in worker.words.splitlines() if line.startswith("error: ")]
        raise InputError(said[-1].removeprefix("error: ") if said else _speechless(store))
    # An earlier worker of that name, in a job that was requeued, may have gone without a word.
    status = "lost" if worker.code in (None, *EXPECTED) else "died"
    claimed = False
    for run in store.runs:
        for number in numbers(run.directory / "claims"):
            if holder_of(run.directory, number).name == worker.worker:
                claimed = True
                reason = f"its worker {_how(worker.code)}"
                bury(Claim(run.directory, number), status, reason=reason, traceback=worker.words)
    return claimed


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
