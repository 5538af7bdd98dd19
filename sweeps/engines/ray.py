"""Workers as tasks of a Ray cluster, each of which has one as its child process."""

import math
import os
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaling.errors import InputError
from sweeps.engines.child import log_of, start
from sweeps.engines.interface import Ended
from sweeps.engines.settings import RayConfig
from sweeps.engines.words import last_words

if TYPE_CHECKING:
    from sweeps.sections import EngineConfig

GRACE_SECONDS = 20.0
"""How long workers may take to save before they are killed."""

OBJECT_STORE_BYTES = 200 << 20
"""Of a cluster started here: nothing but exit statuses goes through it."""

QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0"}
"""No reports to Ray's makers; and workers take the Python of their node, not a copy of this folder.

Ray looks at these when it is imported.
"""


def make(directory: Path, workers: int, config: "EngineConfig") -> "RayEngine":
    """As the registry asks. InputError without Ray."""
    try:
        _ray()
    except ImportError:
        raise InputError("engine ray needs Ray: pip install 'diffusion-scaling[ray]'") from None
    return RayEngine(directory, workers, config.ray)


class RayEngine:
    """Tasks of this process: they end with it, whatever cluster they are on.

    Ray itself retries nothing: a lost worker's runs are given free first, then another is started.
    """

    def __init__(
        self, directory: Path, workers: int, settings: RayConfig, command: Sequence[str] = ()
    ):
        self.directory, self.workers = directory.resolve(), workers
        self.settings, self.command = settings, tuple(command)
        self.tasks: dict[str, Any] = {}
        self.ray: Any = None

    def render(self) -> str:
        """What each task asks for, and executes."""
        where = self.settings.address or "a cluster started here"
        asked = {name: value for name, value in self._asks().items() if value}
        return (
            f"{self.workers} Ray tasks on {where}, each with {asked}:\n"
            f"SCALING_WORKER=ray-... {' '.join(self.command) or 'python -m scaling worker'}"
            f" {self.directory} --end-with-parent"
        )

    def submit(self, count: int) -> None:
        """Start tasks; those that do not fit wait until they do."""
        if not count:
            return
        ray = self.ray = self.ray or self._connect()
        task = ray.remote(_work).options(**self._asks(), max_retries=0)
        for _ in range(count):
            name = f"ray-{uuid.uuid4().hex[:10]}"
            threads = max(1, math.floor(self.settings.num_cpus))
            given = (str(self.directory), name, threads, self.command, str(Path.cwd()))
            self.tasks[name] = task.remote(*given)

    def poll(self) -> tuple[list[str], list[Ended]]:
        """Tasks that run or wait, and those that have ended or were lost."""
        if not self.tasks:
            return [], []
        tasks = list(self.tasks.values())
        ready = set(self.ray.wait(tasks, num_returns=len(tasks), timeout=0)[0])
        ended = [self._ended(name) for name, task in [*self.tasks.items()] if task in ready]
        return list(self.tasks), ended

    def cancel(self) -> None:
        """Interrupt the tasks, which let their workers save; then kill what is left."""
        if self.ray is None:
            return
        until = time.monotonic() + GRACE_SECONDS + 5.0
        for force in (False, True):
            for task in self.tasks.values():
                self.ray.cancel(task, force=force)
            while self.poll()[0] and time.monotonic() < until:
                time.sleep(0.2)
        self.ray.shutdown()
        self.ray = None

    def leave(self) -> str:
        """Tasks end with the process that owns them."""
        self.cancel()
        return ""

    def _ended(self, name: str) -> Ended:
        words = last_words(log_of(self.directory, name))
        try:
            code = self.ray.get(self.tasks.pop(name))
        except self.ray.exceptions.RayError as error:
            return Ended(name, None, words or str(error))
        return Ended(name, code, words)

    def _connect(self) -> Any:
        ray = _ray()
        here = {
            "num_cpus": math.ceil(self.workers * self.settings.num_cpus),
            "include_dashboard": False,
            "object_store_memory": OBJECT_STORE_BYTES,
        }
        address = self.settings.address
        ours = signal.getsignal(signal.SIGTERM)
        try:
            options = {"address": address} if address else {"address": "local", **here}
            ray.init(**options, log_to_driver=False, logging_level="error")
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise InputError(f"engine ray: {address or 'local'}: {error}") from error
        finally:
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, ours)  # Ray has put its own in this place
        return ray

    def _asks(self) -> dict[str, Any]:
        given = self.settings
        return {
            "num_cpus": given.num_cpus,
            "num_gpus": given.num_gpus,
            "resources": given.resources,
        }


def _ray() -> Any:
    os.environ.update({key: os.environ.get(key, value) for key, value in QUIET.items()})
    return import_module("ray")


def _work(directory: str, name: str, threads: int, command: Sequence[str], folder: str) -> int:
    """Execute one worker to its end; its exit status. Interrupted, it lets the worker save."""
    worker = start(Path(directory), name, threads, command, folder)
    try:
        while (code := worker.poll()) is None:
            time.sleep(0.1)
        return code
    except KeyboardInterrupt:
        worker.terminate()
        try:
            return worker.wait(timeout=GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            worker.kill()
            raise
