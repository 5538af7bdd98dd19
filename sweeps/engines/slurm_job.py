"""What a SLURM job executes: one worker, told to save before the job's time is over."""

import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from subprocess import Popen
from typing import Any

from sweeps.engines.child import ask_to_save, start
from sweeps.store.writing import write

SIGNAL_SECONDS = 5.0
"""The signal that ended a worker may reach this process, which then requeues the job, a bit later.
"""


class SlurmWorker:
    """Called in a job; `checkpoint` is called when a signal announces that the job must end."""

    def __init__(self, directory: Path, threads: int, command: Sequence[str] = ()):
        self.arguments = (directory, threads, tuple(command))
        self.worker: Popen[bytes] | None = None

    def __call__(self) -> int:
        """Execute a worker to its end; its exit status, which is left in a file too."""
        directory, threads, command = self.arguments
        job = import_module("submitit").JobEnvironment().job_id
        self.worker = start(directory, worker_name(job), threads, command)
        while (code := self.worker.poll()) is None:
            time.sleep(0.1)
        if code == 75:
            time.sleep(SIGNAL_SECONDS)
        write(exit_file(directory, job), f"{code}\n")
        return code

    def checkpoint(self) -> Any:
        """Let the worker save; submitit then requeues the job, which begins with a new one."""
        if self.worker is not None:
            ask_to_save(self.worker)
        again = import_module("submitit.helpers").DelayedSubmission
        return again(SlurmWorker(*self.arguments))


def worker_name(job: str) -> str:
    """The name of a job's worker in its claims; jobs of an array are ARRAY_INDEX."""
    return f"slurm-{job}"


def folder(directory: Path) -> Path:
    """Where submitit keeps scripts, pickles and logs of jobs."""
    return directory / "logs" / "slurm"


def exit_file(directory: Path, job: str) -> Path:
    """Where a job leaves its worker's exit status: a cluster need not keep accounts."""
    return folder(directory) / f"{job}.exit"
