"""Workers as subprocesses of this machine, each with cores and GPUs of its own."""

import os
import shlex
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sweeps.engines.accelerators import VISIBLE, gpus, parts
from sweeps.engines.cores import available_cores, shares, thread_settings
from sweeps.engines.interface import Ended
from sweeps.engines.words import last_words
from sweeps.store.processes import WORKER_VARIABLE

if TYPE_CHECKING:
    from sweeps.sections import EngineConfig

GRACE_SECONDS = 20.0
"""How long workers may take to save before they are killed."""


def make(directory: Path, workers: int, config: "EngineConfig") -> "LocalEngine":
    """As the registry asks; everything follows from this machine's cores and GPUs."""
    return LocalEngine(directory, workers)


class LocalEngine:
    """Supervised subprocesses, without orphans.

    A worker ends at once when its standard input closes: when this process dies, however it dies.
    """

    def __init__(self, directory: Path, workers: int, command: Sequence[str] | None = None):
        self.directory = directory
        self.cores = shares(available_cores(), workers)
        self.gpus = parts(gpus(), workers)
        self.command = command or (sys.executable, "-m", "scaling", "worker")
        self.slots: dict[int, subprocess.Popen[bytes]] = {}
        self.names: dict[int, str] = {}  # by slot: of this worker and of no other on any machine
        self.begun: dict[int, int] = {}  # by slot: where in its log the worker's own words begin

    def render(self) -> str:
        """One shell command a worker."""
        return "\n".join(
            " ".join(f"{k}={shlex.quote(v)}" for k, v in self._settings(slot).items())
            + f" {shlex.join(self._arguments(slot))}"
            for slot in range(len(self.cores))
        )

    def submit(self, count: int) -> None:
        """Start workers in free slots."""
        free = [slot for slot in range(len(self.cores)) if slot not in self.slots]
        for slot in free[:count]:
            log = self._log(slot)
            log.parent.mkdir(exist_ok=True)
            self.names[slot] = f"worker-{slot}-{uuid.uuid4().hex[:10]}"
            named = {WORKER_VARIABLE: self.names[slot]}
            with log.open("ab") as file:
                self.begun[slot] = file.tell()
                self.slots[slot] = subprocess.Popen(
                    self._arguments(slot),
                    env={**os.environ, **self._settings(slot), **named},
                    stdin=subprocess.PIPE,
                    stdout=file,
                    stderr=file,
                    start_new_session=True,  # so that Ctrl-C reaches this process alone
                )

    def poll(self) -> tuple[list[str], list[Ended]]:
        """Who runs and who has ended."""
        ended = []
        for slot, process in list(self.slots.items()):
            code = process.poll()
            if code is not None:
                del self.slots[slot]
                if process.stdin:
                    process.stdin.close()
                words = last_words(self._log(slot), self.begun[slot])
                ended.append(Ended(self.names[slot], code, words))
        return [self.names[slot] for slot in self.slots], ended

    def cancel(self) -> None:
        """SIGTERM, up to GRACE_SECONDS to save, then SIGKILL; a second Ctrl-C shortens the wait."""
        processes = list(self.slots.values())
        for process in processes:
            process.send_signal(signal.SIGTERM)
        until = time.monotonic() + GRACE_SECONDS
        try:
            while any(p.poll() is None for p in processes) and time.monotonic() < until:
                time.sleep(0.05)
        except KeyboardInterrupt:
            pass
        finally:
            for process in processes:
                process.kill()
                process.wait()
                if process.stdin:
                    process.stdin.close()
            self.slots.clear()

    def leave(self) -> str:
        """Workers of this machine end with the process that watches them."""
        self.cancel()
        return ""

    def _arguments(self, slot: int) -> list[str]:
        cores = ",".join(map(str, self.cores[slot]))
        return [*self.command, str(self.directory), "--cores", cores, "--end-with-parent"]

    def _settings(self, slot: int) -> dict[str, str]:
        settings = thread_settings(len(self.cores[slot]), os.environ.get("XLA_FLAGS", ""))
        seen = {VISIBLE: ",".join(self.gpus[slot])} if self.gpus[slot] else {}
        return settings | seen

    def _log(self, slot: int) -> Path:
        return self.directory / "logs" / f"worker-{slot}.log"
