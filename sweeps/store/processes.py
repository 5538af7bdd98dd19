"""Which process holds a claim, and whether it is certainly gone."""

import os
import socket
from dataclasses import dataclass
from functools import cache
from pathlib import Path

WORKER_VARIABLE = "SCALING_WORKER"
"""In a worker's environment: the name by which its engine knows it."""


@dataclass(frozen=True, kw_only=True)
class Holder:
    """A process: `machine` tells kernels and process namespaces apart, `started` reused numbers.

    `worker` is the name that its engine gave it, if it gave one.
    """

    host: str
    machine: str
    pid: int
    started: str
    worker: str = ""

    @property
    def name(self) -> str:
        """By which an engine may ask for it."""
        return self.worker or f"{self.host}:{self.pid}"

    def is_gone(self) -> bool:
        """True only for a process of this very machine that has ended; else nobody can know."""
        if not self.machine or self.machine != _machine():
            return False
        return _started(self.pid) != self.started


@cache
def _machine() -> str:
    """The boot's id and the process namespace; empty where the system does not tell."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _started(pid: int) -> str:
    """A process's start time in clock ticks since boot; empty when it has ended (see proc(5))."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    state, *fields = stat.rpartition(")")[2].split()
    return "" if state in "ZX" else fields[18]


def this_process() -> Holder:
    """The calling process."""
    pid = os.getpid()
    return Holder(
        host=socket.gethostname(),
        machine=_machine(),
        pid=pid,
        started=_started(pid),
        worker=os.environ.get(WORKER_VARIABLE, ""),
    )
