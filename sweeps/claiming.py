"""How a worker finds what to do: a free cohort, or whether to wait for one."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from sweeps.snapshot import snapshot
from sweeps.store import Store
from sweeps.store.claims import Claim, heartbeat, is_held, numbers, take
from sweeps.store.states import release, settle

PAUSE_SECONDS = (0.5, 5.0)
"""Between two looks at a sweep whose last runs others hold: the least and the most."""


class Seeker:
    """Claims cohorts, and knows whether those who hold what is left are alive.

    A worker that was killed a moment ago, on another machine, looks like one at work. So where
    nothing else is left one waits until each of them has shown a sign of life, or has been silent
    for so long that its runs are free.
    """

    def __init__(self, say: Callable[[str], None]):
        self.say = say
        self.unsure: dict[tuple[str, int], float] | None = None  # claims and their heartbeats

    def __call__(self, store: Store) -> list[Claim] | None:
        """Claims on a cohort; none if nothing is left to do here; None: ask again."""
        started = time.monotonic()
        if claims := claim_cohort(store):
            self.unsure = None
            return claims
        now = snapshot(store)
        held = {
            (run, state.attempt): heartbeat(store.run(run).directory, state.attempt)
            for run in now.working
            if (state := now.by_id[run]).attempt
        }
        first = held if self.unsure is None else self.unsure
        self.unsure = {claim: beat for claim, beat in first.items() if held.get(claim) == beat}
        if not self.unsure and not now.free_cohorts:
            if held:
                names = sorted({work.holder.name for work in now.working.values()})
                self.say(
                    f"{len(held)} runs are left, with workers that are alive: {', '.join(names)}"
                )
            return []
        least, most = PAUSE_SECONDS
        time.sleep(min(most, max(least, 20 * (time.monotonic() - started))))
        return None


def claim_cohort(store: Store) -> list[Claim]:
    """Claim all unsettled runs of the first free cohort; runs that keep failing go alone."""
    for cohort in store.sweep["cohorts"]:
        together: list[Path] = []
        alone: list[Path] = []
        for run_id in cohort:
            run = store.run(run_id).directory
            if (run / "result.json").exists():
                continue
            state = store.state(run_id)
            if not state.settled:
                (alone if state.alone else together).append(run)
        for group in [together, *([run] for run in alone)]:
            claims = _claim_all(group, store)
            if claims:
                return claims
    return []


def _claim_all(runs: Sequence[Path], store: Store) -> list[Claim]:
    """Claims on every one of `runs`, or on none."""
    for run in runs:
        settle(run)  # a worker may have died between finishing a run and publishing it
    runs = [run for run in runs if not (run / "result.json").exists()]
    if any(_held(run, store) for run in runs):
        return []
    claims: list[Claim] = []
    for run in runs:
        claim = take(run, store.clock, store.silence)
        if claim is None:
            release(claims, "released", reason="another worker was quicker")
            return []
        claims.append(claim)
    finished = [claim for claim in claims if (claim.run / "result.json").exists()]
    release(finished, "released", reason="finished by another worker")
    return [claim for claim in claims if claim not in finished]


def _held(run: Path, store: Store) -> bool:
    claimed = numbers(run / "claims")
    return bool(claimed) and is_held(run, claimed[-1], store.clock, store.silence)
