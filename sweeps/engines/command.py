"""Workers by a shell command of any tool that starts things: gcloud, sky, kubectl, ssh."""

import math
import os
import shlex
import signal
import subprocess
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from scaling.errors import InputError
from sweeps.engines.child import log_of
from sweeps.engines.interface import Ended
from sweeps.engines.settings import CommandConfig
from sweeps.engines.words import last_words
from sweeps.snapshot import snapshot
from sweeps.store import Store
from sweeps.store.writing import read_json, to_json, write

if TYPE_CHECKING:
    from sweeps.sections import EngineConfig

GRACE_SECONDS = 60.0
"""How long workers may take to save and end before their commands are killed."""

UNKNOWN = 256
"""In place of an exit status that nobody saw; no process has it."""

MISSES = 3
"""So often in a row `alive` has to say no: tools fail for reasons of their own."""

SILENT_SECONDS = 60.0
"""How long a worker that holds runs must have been silent, besides; it beats every 15 s."""

SHELL_SECONDS = 120.0
"""How long `alive` and `cancel` may take before they count as failed."""


def make(directory: Path, workers: int, config: "EngineConfig") -> "CommandEngine":
    """As the registry asks. InputError where the templates are absent or wrong."""
    given = config.command
    if not given.start:
        raise InputError("engine command: engine.command.start is missing: what starts a worker?")
    if given.alive and not given.cancel:
        raise InputError("engine command: engine.command.cancel is missing: `alive` needs it")
    engine = CommandEngine(directory, workers, given)
    engine.render()
    return engine


class CommandEngine:
    """One shell command a worker, which lasts as long as the worker; or one that returns at once.

    In the second case `alive` is asked whether the worker is still there, and workers go on when
    nobody watches: their names are kept in a file for the next engine.
    """

    def __init__(self, directory: Path, workers: int, settings: CommandConfig):
        self.directory, self.workers, self.settings = directory.resolve(), workers, settings
        self.kept = self.directory / "logs" / "command.json"
        self.slots: dict[int, str] = {}  # by the worker's index: its name
        self.commands: dict[int, subprocess.Popen[bytes]] = {}  # begun by this engine
        self.asked_at = -math.inf
        self.misses: dict[str, int] = {}  # by name: how often in a row `alive` has said no
        if settings.alive:
            self.slots = {int(index): name for index, name in (read_json(self.kept) or {}).items()}

    def render(self) -> str:
        """The command for each worker."""
        indices = range(self.workers)
        return "\n".join(fill(self.settings.start, self.directory, i, _name()) for i in indices)

    def submit(self, count: int) -> None:
        """Start commands at free places."""
        free = [index for index in range(self.workers) if index not in self.slots][:count]
        self.slots |= {index: _name() for index in free}
        self.kept.parent.mkdir(exist_ok=True)
        if free:
            self._keep()  # before they are started: nobody else knows that they are ours
        for index in free:
            name = self.slots[index]
            with log_of(self.directory, name).open("ab") as file:
                self.commands[index] = subprocess.Popen(
                    fill(self.settings.start, self.directory, index, name),
                    shell=True,
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=file,
                    start_new_session=True,  # so that Ctrl-C reaches this process alone
                )

    def poll(self) -> tuple[list[str], list[Ended]]:
        """Who runs and who has ended, by the commands themselves or by what `alive` answers."""
        ended = []
        ask = time.monotonic() - self.asked_at >= self.settings.poll_seconds
        if ask:
            self.asked_at = time.monotonic()
        for index, name in list(self.slots.items()):
            code = self.commands[index].poll() if index in self.commands else 0
            if self.settings.alive and code == 0:
                code = UNKNOWN if ask and self._is_gone(index) else None
            if code is not None:
                del self.slots[index]
                self.misses.pop(name, None)
                words = last_words(log_of(self.directory, name))
                ended.append(Ended(name, None if code == UNKNOWN else code, words))
        if ended:
            self._keep()
        return list(self.slots.values()), ended

    def _is_gone(self, index: int) -> bool:
        """By `alive`, and by the worker's own signs of life where it holds runs.

        One that still holds some is told to end, lest it be only out of reach.
        """
        name = self.slots[index]
        if self._shell(self.settings.alive, index) == 0:
            self.misses.pop(name, None)
            return False
        self.misses[name] = self.misses.get(name, 0) + 1
        if self.misses[name] < MISSES:
            return False
        working = snapshot(Store.open(self.directory)).working.values()
        silent = [work.silent_seconds for work in working if work.holder.name == name]
        if silent and min(silent) < SILENT_SECONDS:
            return False
        if silent:
            self._shell(self.settings.cancel, index)
        return True

    def cancel(self) -> None:
        """The command `cancel` for each worker, or SIGTERM to what started it; then SIGKILL."""
        for index in self.slots:
            if self.settings.cancel:
                self._shell(self.settings.cancel, index)
            else:
                self._signal(index, signal.SIGTERM)
        until = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < until:
            if not any(self._runs(index) for index in {*self.slots, *self.commands}):
                self.slots.clear()
                self._keep()
                return
            time.sleep(0.2)
        for index in self.commands:
            self._signal(index, signal.SIGKILL)

    def leave(self) -> str:
        """Without `alive`, workers end with their commands."""
        if not self.settings.alive:
            self.cancel()
        if not self.slots:
            return ""
        template = self.settings.cancel or ""
        ends = [fill(template, self.directory, index, name) for index, name in self.slots.items()]
        return "\n".join([f"{len(ends)} workers go on; these commands end them:", *ends, ""])

    def _keep(self) -> None:
        if self.settings.alive:
            write(self.kept, to_json(self.slots))

    def _signal(self, index: int, number: int) -> bool:
        """Whether a process is left of the command, to which `number` was sent (0: nothing)."""
        try:
            os.killpg(self.commands[index].pid, number)
        except ProcessLookupError:
            return False
        return True

    def _runs(self, index: int) -> bool:
        """Whether something is left of a worker that was told to end."""
        alive = self.settings.alive if index in self.slots else None
        if index in self.commands and self.commands[index].poll() is None:
            return True
        if index in self.commands and self._signal(index, 0):
            return True
        return alive is not None and self._shell(alive, index) == 0

    def _shell(self, template: str | None, index: int) -> int:
        """The exit status of a template's command; that of a kill where it takes too long."""
        process = subprocess.Popen(
            fill(template or "", self.directory, index, self.slots[index]),
            shell=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            return process.wait(SHELL_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return process.wait()


def _name() -> str:
    return f"worker-{uuid.uuid4().hex[:10]}"


def fill(template: str, directory: Path, index: int, name: str) -> str:
    """The template with every {placeholder} replaced; InputError with what there is."""
    where = shlex.quote(str(directory))
    worker = f"python -m scaling worker {where} --name {name}"
    known = {
        "worker": worker,
        "worker_quoted": shlex.quote(worker),
        "index": index,
        "name": name,
        "directory": where,
    }
    try:
        return template.format_map(known)
    except (KeyError, ValueError, IndexError, AttributeError) as error:
        there = ", ".join(f"{{{placeholder}}}" for placeholder in known)
        raise InputError(
            f"engine command: {template!r}: {type(error).__name__} {error}; there are {there}, and "
            "any other brace is written twice"
        ) from None
