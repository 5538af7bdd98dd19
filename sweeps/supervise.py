"""Keeps an engine's workers going until every run of a sweep is settled."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from scaling.errors import InputError, LostClaim, Preempted
from sweeps.display import Display
from sweeps.engines import Ended, Engine
from sweeps.snapshot import Snapshot, snapshot
from sweeps.store import Store
from sweeps.store.claims import Claim, holder_of, numbers
from sweeps.store.states import end

BAD_INPUT = 2
FRUITLESS_ALLOWED = 3
"""Workers that may end in error before claiming anything; then something is wrong with them all."""


class WorkersFailed(Exception):
    """Workers cannot even start; the message ends with their last words."""


def supervise(store: Store, engine: Engine, workers: int, display: Display) -> Snapshot:
    """Run workers until nothing is left to do, here or in another process, and say how it went.

    Raises InputError where a worker found a mistake of input or a full disk, Preempted on SIGTERM,
    KeyboardInterrupt on Ctrl-C, WorkersFailed; no worker is left running in any case.
    """
    fruitless = 0
    with _sigterm_raises():
        try:
            while True:
                started = time.monotonic()
                running, ended = engine.poll()
                for worker in ended:
                    fruitless += _judge(worker, store)
                    if fruitless >= FRUITLESS_ALLOWED:
                        raise WorkersFailed(f"workers cannot start; the last said:\n{worker.words}")
                now = snapshot(store)
                display.show(now)
                if now.settled and not running:
                    return now
                busy = len(now.cohorts_of(running))
                idle = len(running) - busy
                engine.submit(max(0, min(workers - len(running), now.free_cohorts - idle)))
                # A scan of thousands of runs takes a while: let it cost a twentieth of a core.
                time.sleep(max(0.2, 20 * (time.monotonic() - started)))
        finally:
            engine.cancel()
            display.close()


def _judge(worker: Ended, store: Store) -> bool:
    """Record what a worker left unfinished; True if it ended in error without any claim."""
    if worker.code == BAD_INPUT:
        said = [line for line in worker.words.splitlines() if line.startswith("error: ")]
        raise InputError(said[-1].removeprefix("error: ") if said else _speechless(store))
    claimed = False
    for run in store.runs:
        highest = max(numbers(run.directory / "claims"), default=0)
        if not highest or holder_of(run.directory, highest).pid != worker.pid:
            continue
        claimed = True
        claim = Claim(run.directory, highest)
        if not (claim.attempt / "ended.json").exists():
            how = _how(worker.code)
            try:
                end(claim, "died", reason=f"its worker {how}", traceback=worker.words)
            except LostClaim:
                continue
    return worker.code not in (0, 75) and not claimed


def _speechless(store: Store) -> str:
    """For a worker that could not even write why it ended: its log lies in the sweep."""
    return (
        f"{store.directory}: a worker could not go on, and could not write why; "
        "the disk may be full, or its quota used up"
    )


def _how(code: int) -> str:
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
