"""Forty real trainings on two workers, and what may happen to the workers meanwhile."""

import json
import os
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from sweeps.snapshot import snapshot
from sweeps.store import Store
from sweeps.store.claims import numbers
from sweeps.store.processes import Holder
from tests.endtoend.sweeping import Sweep, halt, saving
from tests.sweeps.waiting import wait_for

RUNS = 40

MANIFEST = f"""\
data: {{source: mixture, size: 4, components: 4}}
model: {{rung: 20k, patch_size: 2}}
train: {{steps: 400, batch_size: 4}}
measure:
  horizons: {{first: 200, count: 2}}
  held_out_examples: 64
  train_examples: 0
  samples: {{count: 0}}
fit: {{bootstrap: 0}}
sweep: {{grid: {{seed: {list(range(RUNS))}}}}}
"""

ENGINE = "engine: {{name: {name}, workers: 2, cohort: 4, steps_per_call: 100, {more}}}\n"


def sweep_on(parent: Path, name: str, more: str = "") -> Sweep:
    """A sweep of forty runs that has not begun, saved at every call, on an engine."""
    settings = ", ".join(filter(None, ["checkpoint_seconds: 0.001", more]))
    return Sweep.make(parent, MANIFEST + ENGINE.format(name=name, more=settings))


def statuses(sweep: Sweep) -> list[str]:
    """How every attempt at every run ended, if it was recorded."""
    found = sweep.directory.glob("runs/*/attempts/*/ended.json")
    return [json.loads(path.read_text())["status"] for path in found]


def targets(sweep: Sweep) -> dict[Holder, list[Path]]:
    """Workers with their attempts, of those whose runs no other worker has died at.

    A run whose workers die twice goes on without its cohort, and is rounded differently.
    """
    now = snapshot(Store.open(sweep.directory))
    held: dict[Holder, list[Path]] = {}
    for run in now.runs:
        if run.id in now.working:
            number = now.by_id[run.id].attempt
            attempt = run.directory / "attempts" / str(number)
            held.setdefault(now.working[run.id].holder, []).append(attempt)
    return {
        holder: attempts
        for holder, attempts in held.items()
        if not any(_died(attempt.parent.parent) for attempt in attempts)
    }


def _died(run: Path) -> bool:
    files = [run / "attempts" / str(n) / "ended.json" for n in numbers(run / "attempts")]
    return any(json.loads(f.read_text())["status"] == "died" for f in files if f.exists())


def begun(attempts: list[Path]) -> bool:
    """Past the start of a worker: it has told what it does."""
    return all((attempt / "progress.json").exists() for attempt in attempts)


def saving_now(attempts: list[Path]) -> bool:
    """While a checkpoint is written."""
    return any(saving(attempt) for attempt in attempts)


def strike(
    sweep: Sweep,
    moment: Callable[[list[Path]], bool] = begun,
    spare: Callable[[Holder], bool] = lambda holder: False,
    seconds: float = 300.0,
) -> Holder:
    """SIGKILL a worker at a moment of its work; it stands still while we look whether it is so."""
    until = time.monotonic() + seconds
    while True:
        assert time.monotonic() < until, f"no worker was {moment.__name__}"
        for holder, attempts in targets(sweep).items():
            if spare(holder) or not moment(attempts) or holder.is_gone():
                continue
            halt(holder.pid)
            if moment(attempts):
                os.kill(holder.pid, signal.SIGKILL)
                return holder
            os.kill(holder.pid, signal.SIGCONT)
        time.sleep(0.01)


def pause(random: np.random.Generator) -> None:
    """A random while between two blows."""
    time.sleep(random.exponential(1.5))


wait_long = partial(wait_for, seconds=300.0)
