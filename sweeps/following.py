"""A worker of several processes: the first claims and writes, the others compute along."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

from scaling import group
from scaling.environment import on_accelerator
from scaling.errors import Preempted
from sweeps.claiming import Seeker
from sweeps.store import Store
from sweeps.store.claims import Claim
from sweeps.worker import NOTHING_LEFT, PREEMPTED, Train, work


class Agreed(threading.Event):
    """Set as soon as it is set in any process; all must ask equally often."""

    def is_set(self) -> bool:
        """Asks the others."""
        return group.any_of(super().is_set())


def work_together(
    store: Store, train: Train, stopping: threading.Event, say: Callable[[str], None]
) -> int:
    """As `work`, in every process of a group that has been joined."""
    if group.alone():
        return work(store, train, stopping, say, fragile=on_accelerator())
    if group.is_first():
        return work(store, train, stopping, say, claim=_announcing(Seeker(say)))
    return _follow(store, train, stopping)


def _announcing(seek: Seeker) -> Callable[[Store], list[Claim] | None]:
    def announced(store: Store) -> list[Claim] | None:
        claims = seek(store)
        found = None if claims is None else [[claim.run.name, claim.number] for claim in claims]
        group.told_by_first(found)
        return claims

    return announced


def _follow(store: Store, train: Train, stopping: threading.Event) -> int:
    """Train what the first process has claimed; an error ends this process, and so the group."""

    def progress(told: Any) -> None:
        if stopping.is_set() and told.phase != "done":
            raise Preempted("asked to stop")

    while not stopping.is_set():
        told: Sequence[tuple[str, int]] | None = group.told_by_first(None)
        if told is None:
            continue
        if not told:
            return NOTHING_LEFT
        claims = [Claim(store.run(run).directory, number) for run, number in told]
        try:
            train(claims, progress)
        except Preempted:
            return PREEMPTED
    return PREEMPTED
