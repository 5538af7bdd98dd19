"""A sweep at one moment: the state of each run, the progress of those that run."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sweeps.store import Store, StoredRun
from sweeps.store.claims import heartbeat, holder_of
from sweeps.store.processes import Holder
from sweeps.store.states import RunState
from sweeps.store.writing import read_json


@dataclass(frozen=True, kw_only=True)
class Working:
    """A run being trained: who, how long silent, and its latest progress (empty before any)."""

    holder: Holder
    silent_seconds: float
    progress: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Every run of the manifest, in order; `working` holds those that run, by id."""

    runs: Sequence[StoredRun]
    states: Sequence[RunState]
    working: dict[str, Working]
    cohorts: Sequence[Sequence[str]]

    @property
    def settled(self) -> bool:
        """Whether nothing is left to do."""
        return all(state.settled for state in self.states)

    @cached_property
    def by_id(self) -> dict[str, RunState]:
        """States by run id."""
        return {run.id: state for run, state in zip(self.runs, self.states, strict=True)}

    @property
    def free_cohorts(self) -> int:
        """Cohorts that a worker could claim now."""
        waiting = ([self.by_id[run] for run in cohort] for cohort in self.cohorts)
        return sum(
            any(s.status == "pending" for s in states)
            and not any(s.status == "running" for s in states)
            for states in waiting
        )

    def busy(self, workers: Iterable[str]) -> set[str]:
        """Those of the workers that hold a claim, by name."""
        return {work.holder.name for work in self.working.values()} & set(workers)

    def count(self, status: str) -> int:
        """Runs of one status."""
        return sum(state.status == status for state in self.states)

    def share_done(self, run: StoredRun) -> float:
        """How much of a run is done, from 0 to 1."""
        if self.by_id[run.id].settled:
            return 1.0
        progress = self.working[run.id].progress if run.id in self.working else {}
        return progress.get("step", 0) / run.record["steps"]


def snapshot(store: Store) -> Snapshot:
    """Read the store as it is now."""
    sweep = store.sweep  # once: another process may add runs, and their cohorts, at any moment
    pairs = [(run, store.state(run.id)) for run in map(store.run, sweep["runs"])]
    now = store.clock()
    working = {
        run.id: _working(run, state.attempt, now)
        for run, state in pairs
        if state.status == "running" and state.attempt
    }
    return Snapshot(
        runs=[run for run, _ in pairs],
        states=[state for _, state in pairs],
        working=working,
        cohorts=sweep["cohorts"],
    )


def _working(run: StoredRun, attempt: int, now: float) -> Working:
    return Working(
        holder=holder_of(run.directory, attempt),
        silent_seconds=max(0.0, now - heartbeat(run.directory, attempt)),
        progress=read_json(run.directory / "attempts" / str(attempt) / "progress.json") or {},
    )
