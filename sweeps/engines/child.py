"""A worker as a child of the process that an engine has on another machine."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from sweeps.engines.cores import thread_settings
from sweeps.store.processes import WORKER_VARIABLE


def start(
    directory: Path, name: str, threads: int, command: Sequence[str] = (), folder: str = "."
) -> subprocess.Popen[bytes]:
    """Start a worker that ends when this process does; it writes to its own log in the sweep.

    `threads`: processor cores that it may use. `folder`: where it works, if that is there: paths of
    a manifest may be relative.
    """
    log = log_of(directory, name)
    log.parent.mkdir(exist_ok=True)
    settings = thread_settings(threads, os.environ.get("XLA_FLAGS", ""))
    with log.open("ab") as file:
        return subprocess.Popen(
            [*(command or worker_command()), str(directory), "--end-with-parent"],
            env={**os.environ, **settings, WORKER_VARIABLE: name},
            cwd=folder if Path(folder).is_dir() else None,
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=file,
        )


def worker_command() -> tuple[str, ...]:
    """A worker by the Python that executes this; the sweep's directory follows."""
    return (sys.executable, "-m", "scaling", "worker")


def log_of(directory: Path, name: str) -> Path:
    """Where a worker of that name says what it does."""
    return directory / "logs" / f"{name}.log"


def ask_to_save(worker: subprocess.Popen[bytes]) -> None:
    """Tell a worker to save, and wait until it has ended.

    Safe in a signal handler, which may have interrupted a method of `worker` that holds its lock.
    """
    try:
        os.kill(worker.pid, signal.SIGUSR1)
        os.waitid(os.P_PID, worker.pid, os.WEXITED | os.WNOWAIT)
    except (ProcessLookupError, ChildProcessError):
        return
