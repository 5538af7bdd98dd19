"""Mirroring a sweep: what a tracker does not have yet, run by run, as often as wanted.

What each run's mirror holds is kept in `mirrored/<run id>.json` beside it, by place: the last step
of every series. Killed between a record and that file, the next mirroring repeats one run's news.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sweeps.collect import attempt_of
from sweeps.fields import value_at
from sweeps.labels import in_words
from sweeps.store import Store, StoredRun
from sweeps.store.states import RunState
from sweeps.store.writing import plainly, read_json, read_lines, to_json, write
from sweeps.tracking.interface import Tracked, Tracker
from sweeps.tracking.scalars import new_rows

IN_NAME = ("model.rung", "seed")
"""Paths that every name tells; other swept paths follow them."""

NO_SETTINGS = ("config", "steps", "images", "flops")
"""Of run.json: what is given apart, and totals that readers would take for those of one row."""


@dataclass(frozen=True, kw_only=True)
class Mirrored:
    """One look at the sweep: runs that have begun, values that were new, whether all is over."""

    runs: int
    values: int
    settled: bool


def mirror(store: Store, tracker: Tracker, into: Path, *, levels: bool = False) -> Mirrored:
    """Record what is new of every run that has begun. `levels`: each noise level's loss, too."""
    swept = [path for path in store.sweep["swept"] if path not in IN_NAME]
    begun = values = 0
    settled = True
    for run, state in store.states():  # a state before its rows: of a settled run they are all
        settled &= state.settled
        attempt = attempt_of(run, state)
        if attempt is None and state.status == "pending":
            continue
        begun += 1
        rows = read_lines(attempt / "measurements.jsonl")[0] if attempt else []
        values += _record(run, state, rows, tracker, into, swept, levels)
    return Mirrored(runs=begun, values=values, settled=settled)


def follow(
    store: Store,
    tracker: Tracker,
    into: Path,
    *,
    levels: bool = False,
    every: float = 30.0,
    tell: Callable[[Mirrored], None] = lambda _: None,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Mirror again and again, `every` so many seconds, until no run has anything left to do."""
    while True:
        now = mirror(store, tracker, into, levels=levels)
        tell(now)
        if now.settled:
            return
        sleep(every)


def _record(
    run: StoredRun,
    state: RunState,
    rows: list[Any],
    tracker: Tracker,
    into: Path,
    swept: list[str],
    levels: bool,
) -> int:
    """Record one run's news; returns how many values there were."""
    path = into / "mirrored" / f"{run.id}.json"
    places = read_json(path) or {}
    known = places.get(tracker.place, {"status": None, "reason": None, "last": {}})
    fresh = new_rows(rows, known["last"], levels=levels)
    if not fresh and (known["status"], known["reason"]) == (state.status, state.reason):
        return 0
    tracker.record(_tracked(run, state, swept), fresh)
    last = {name: step for step, scalars in fresh.items() for name in scalars}
    known = {"status": state.status, "reason": state.reason, "last": known["last"] | last}
    with plainly(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write(path, to_json({**places, tracker.place: known}))
    return sum(map(len, fresh.values()))


def _tracked(run: StoredRun, state: RunState, swept: list[str]) -> Tracked:
    record = run.record
    config = record["config"]
    others = (f" {path}={in_words(value_at(config, path))}" for path in swept)
    return Tracked(
        id=run.id,
        name=f"{record['rung']} seed {record['seed']}{''.join(others)}",
        settings={k: v for k, v in record.items() if k not in NO_SETTINGS} | config,
        status=state.status,
        reason=state.reason,
    )
