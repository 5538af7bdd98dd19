"""Runs with measurements that tell which run and step they are of."""

import pytest

from sweeps.store.claims import server_clock, take
from sweeps.store.states import end, settle
from tests.sweeps.examples import append, row

LOSS = "importance_weighted_loss"
SERIES = f"{LOSS}/raw/held_out", f"{LOSS}/ema_0.1/held_out"


def rows(*steps, run=0):
    """Two series and one noise level, with values that tell the run and the step."""
    return [
        made
        for step in steps
        for made in (
            row(step, run + 1 / step, metric=LOSS),
            row(step, run + 2 / step, metric=LOSS, weights="ema_0.1"),
            row(step, 9.0, log_snr=-1.5),
        )
    ]


def truth(*steps, run=0):
    return sorted((s, name, run + k / s) for s in steps for k, name in enumerate(SERIES, start=1))


def begin(store, place, *made):
    claim = take(store.runs[place].directory, lambda: server_clock(store.directory))
    append(claim.attempt, *made)
    return claim


def finish(claim, status="finished", **more):
    end(claim, status, step=200, reason=more.get("reason"), seconds={"train": 1.0})
    settle(claim.run)


def same(found, expected):
    assert [f[:2] for f in found] == [e[:2] for e in expected]
    assert [f[2] for f in found] == pytest.approx([e[2] for e in expected], rel=1e-6)
