"""The command `scaling run` on the smallest real training, and ways to kill it at a moment."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from sweeps.store import Store
from sweeps.store.claims import holder_of, numbers

STEPS = 1200

MANIFEST = f"""\
data: {{source: mixture, size: 4, components: 4}}
model: {{rung: 20k, patch_size: 2}}
train: {{steps: {STEPS}, batch_size: 4}}
measure:
  horizons: {{first: 300, count: 3}}
  held_out_examples: 64
  train_examples: 0
  samples: {{count: 0}}
engine: {{workers: 1, steps_per_call: 150, checkpoint_seconds: 0.001}}
fit: {{bootstrap: 0}}
"""

SEEDS = "sweep: {grid: {model.rung: [20k], seed: [0, 1]}}\n"

type Moment = Callable[[Path], bool]
"""Whether the attempt in this directory is at the moment in question."""


@dataclass(frozen=True)
class Sweep:
    """A manifest beside the directory that `scaling run` fills from it."""

    directory: Path

    @classmethod
    def make(cls, parent: Path, text: str = MANIFEST + SEEDS) -> "Sweep":
        """A sweep that has not begun."""
        sweep = cls(parent / "sweep")
        sweep.manifest.write_text(text)
        return sweep

    @property
    def manifest(self) -> Path:
        return self.directory.with_name("manifest.yaml")

    @property
    def command(self) -> list[str]:
        """The command that everything here repeats."""
        return [
            sys.executable,
            "-m",
            "scaling",
            "run",
            str(self.manifest),
            "-o",
            str(self.directory),
        ]

    def run(self, **options: Any) -> subprocess.CompletedProcess[str]:
        """The command, to its end."""
        return subprocess.run(
            self.command, capture_output=True, text=True, timeout=300, check=False, **options
        )

    def start(self) -> subprocess.Popen[bytes]:
        """The command in the background, where no signal for it reaches us."""
        return subprocess.Popen(
            self.command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def runs(self) -> list[Path]:
        """Directories of the runs, in the manifest's order; empty before the sweep has begun."""
        begun = (self.directory / "sweep.json").exists()
        return [run.directory for run in Store.open(self.directory).runs] if begun else []

    def attempts(self) -> int:
        """The number of the newest attempt at the first run."""
        return max(numbers(self.runs[0] / "claims"), default=0) if self.runs else 0

    def results(self) -> list[dict[str, Any]]:
        return [json.loads((run / "result.json").read_text()) for run in self.runs]

    def checkpoints(self) -> list[set[int]]:
        """For each run the steps that have a checkpoint, complete or not."""
        found = [run.glob("attempts/*/checkpoints/*") for run in self.runs]
        return [{int(path.name) for path in paths if path.name.isdigit()} for paths in found]

    def table(self) -> pd.DataFrame:
        return pd.read_parquet(self.directory / "measurements.parquet")


def progress(attempt: Path) -> dict[str, Any]:
    """What a worker last told about an attempt."""
    path = attempt / "progress.json"
    return json.loads(path.read_text()) if path.exists() else {"phase": "", "step": 0}


def saving(attempt: Path) -> bool:
    """While orbax writes a checkpoint: its directory still has a temporary name."""
    return any((attempt / "checkpoints").glob("*.orbax-checkpoint-tmp*"))


def training(attempt: Path) -> bool:
    """Between two checkpoints, and past the first."""
    return progress(attempt)["phase"] == "train" and _saved(attempt) and not saving(attempt)


def measuring(attempt: Path) -> bool:
    """At a horizon, some training after the first checkpoint."""
    return progress(attempt)["phase"] == "measure" and _saved(attempt) and not saving(attempt)


def saving_again(attempt: Path) -> bool:
    """While a checkpoint is written that is not the first."""
    return saving(attempt) and _saved(attempt)


def _saved(attempt: Path) -> bool:
    folder = attempt / "checkpoints"
    return folder.exists() and any(path.name.isdigit() for path in folder.iterdir())


def stop_at(sweep: Sweep, supervisor: subprocess.Popen[bytes], moment: Moment, after: int) -> int:
    """Halt the worker at `moment` of an attempt numbered above `after`; its process number.

    It is looked at while it cannot move, so that the moment is not missed by the time that takes.
    """
    while True:
        assert supervisor.poll() is None, f"the sweep ended before it was {moment.__name__}"
        number = sweep.attempts()
        if number > after:
            worker = holder_of(sweep.runs[0], number).pid
            if halted_at(worker, [run / "attempts" / str(number) for run in sweep.runs], moment):
                return worker
        time.sleep(0.002)


def halted_at(process: int, attempts: Sequence[Path], moment: Moment) -> bool:
    """Halt the process if this is the moment, and let it go again if it has passed meanwhile."""
    if not any(map(moment, attempts)):
        return False
    halt(process)
    if any(map(moment, attempts)):
        return True
    os.kill(process, signal.SIGCONT)
    return False


def halt(process: int) -> None:
    """Stop it, and return once it stands still."""
    os.kill(process, signal.SIGSTOP)
    stat = Path(f"/proc/{process}/stat")
    while stat.read_text().rpartition(")")[2].split()[0] not in "TtZX":
        time.sleep(0.0005)


def kill_all_at(sweep: Sweep, moment: Moment) -> None:
    """Start the command, and `kill -9` it with its worker at `moment` of a new attempt."""
    after = sweep.attempts()
    supervisor = sweep.start()
    worker = stop_at(sweep, supervisor, moment, after)
    supervisor.kill()  # first, so that it records nothing about its worker
    os.kill(worker, signal.SIGKILL)
    supervisor.wait()
    while Path(f"/proc/{worker}").exists():  # until its new parent has seen it off
        if Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[0] in "ZX":
            break
        time.sleep(0.01)
