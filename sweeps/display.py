"""A sweep's progress: bars on a terminal, plain lines in a log."""

import sys
import time
from collections.abc import Callable
from typing import Protocol

from sweeps.snapshot import Snapshot

LINE_SECONDS = 30.0
"""Between plain lines when nothing else happens."""


class Display(Protocol):
    """Shows snapshots as they come."""

    def show(self, now: Snapshot) -> None:
        """Show a snapshot."""
        ...

    def say(self, text: str, /) -> None:
        """Show a line that stays."""
        ...

    def close(self) -> None:
        """Leave the terminal as it was."""
        ...


def display_for(stream=None) -> Display:
    """Bars if `stream` (standard error) is a terminal, else lines."""
    stream = stream or sys.stderr
    return Bars() if stream.isatty() else Lines(lambda text: print(text, file=stream, flush=True))


def total(now: Snapshot) -> float:
    """FLOPs of the whole sweep."""
    return float(sum(run.record["flops"] for run in now.runs)) or 1.0


def done(now: Snapshot) -> float:
    """FLOPs behind us; a run that failed or diverged asks for no more."""
    return sum(run.record["flops"] * now.share_done(run) for run in now.runs)


def cohorts_at_work(now: Snapshot) -> dict[str, tuple[str, str, int, int]]:
    """By first run id: name such as `120k x2`, phase, step and steps of each cohort at work."""
    rungs = {run.id: run.record["rung"] for run in now.runs}
    shown: dict[str, tuple[str, str, int, int]] = {}
    for run_id, work in now.working.items():
        cohort = work.progress.get("cohort", [run_id])
        count = f" x{len(cohort)}" if len(cohort) > 1 else ""
        phase, step = work.progress.get("phase", "start"), work.progress.get("step", 0)
        shown[cohort[0]] = (f"{rungs[run_id]}{count}", phase, step, work.progress.get("steps", 0))
    return shown


class Lines:
    """A line whenever a run is settled, and now and then."""

    def __init__(self, say: Callable[[str], None]):
        self.say = say
        self.settled: set[str] | None = None
        self.last = self.start = time.monotonic()
        self.at_start = 0.0

    def show(self, now: Snapshot) -> None:
        """Print what is new."""
        settled = {run_id for run_id, state in now.by_id.items() if state.settled}
        if self.settled is None:
            self.settled, self.at_start = settled, done(now)
        for run_id in sorted(settled - self.settled):
            run = next(run for run in now.runs if run.id == run_id)
            state = now.by_id[run_id]
            reason = f": {state.reason}" if state.reason else ""
            self.say(
                f"{run.record['rung']} seed {run.record['seed']} ({run_id}) {state.status}{reason}"
                f" [{len(settled)}/{len(now.runs)}]"
            )
        if time.monotonic() - self.last > LINE_SECONDS:
            self.last = time.monotonic()
            at_work = ", ".join(
                f"{name} {phase} {step}/{steps}"
                for name, phase, step, steps in cohorts_at_work(now).values()
            )
            self.say(
                f"{done(now) / total(now):.0%} done, {self._left(now)}; {at_work or 'waiting'}"
            )
        self.settled = settled

    def _left(self, now: Snapshot) -> str:
        speed = (done(now) - self.at_start) / (time.monotonic() - self.start)
        if speed <= 0:
            return "time left not known yet"
        return f"about {clock((total(now) - done(now)) / speed)} left"

    def close(self) -> None:
        """Nothing to restore."""


class Bars:
    """rich's bars: one for the sweep, by FLOPs, and one for each cohort being trained."""

    def __init__(self):
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self.progress = Progress(
            TextColumn("{task.description:<24}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[note]:<28}"),
            TimeRemainingColumn(compact=True),
            console=Console(stderr=True),
            speed_estimate_period=120,
        )
        self.sweep = None
        self.cohorts = {}
        self.progress.start()

    def show(self, now: Snapshot) -> None:
        """Redraw."""
        note = f"{sum(s.settled for s in now.states)} of {len(now.states)} runs"
        if failed := now.count("failed"):
            note += f", {failed} failed"
        if self.sweep is None:
            self.sweep = self.progress.add_task(
                "sweep", total=total(now), completed=int(done(now)), note=note
            )
        self.progress.update(self.sweep, total=total(now), completed=done(now), note=note)
        at_work = cohorts_at_work(now)
        for key in self.cohorts.keys() - at_work.keys():
            self.progress.remove_task(self.cohorts.pop(key))
        for key, (name, phase, step, steps) in at_work.items():
            note = f"{phase} {step:,} / {steps:,}" if steps else phase
            if key not in self.cohorts:
                self.cohorts[key] = self.progress.add_task(
                    name, total=steps or None, completed=step, note=note
                )
            self.progress.update(self.cohorts[key], total=steps or None, completed=step, note=note)

    def say(self, text: str, /) -> None:
        """Print a line above the bars."""
        self.progress.console.print(text, markup=False, highlight=False)

    def close(self) -> None:
        """Stop redrawing."""
        self.progress.stop()


def clock(seconds: float) -> str:
    """`42 s`, `3:20 min` or `2:05 h`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02d} h"


def in_bytes(count: float) -> str:
    """`42 B`, `3.2 kB`, ..., `1.5 TB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"
