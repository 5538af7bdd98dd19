"""Whatever the law's parameters: more compute buys less loss, and larger, longer runs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.laws import LAWS
from analysis.scale import exact, frontier, per_parameter
from tests.analysis.law_truths import SIZES, STEPS, truths

COSTS = {
    "6 N S": per_parameter(6.0),
    "exact": exact(SIZES, STEPS, 2.0 * SIZES**1.1 * STEPS),
}


@settings(max_examples=15, deadline=None)
@given(
    drawn=st.sampled_from(["joint", "kaplan"]).flatmap(
        lambda law: st.tuples(st.just(law), truths(law))
    ),
    cost=st.sampled_from(sorted(COSTS)),
    first=st.floats(16.0, 20.0),
)
def test_the_frontier_is_monotone(drawn, cost, first):
    law, truth = drawn
    budgets = np.geomspace(10**first, 10 ** (first + 3), 6)
    found = frontier(LAWS[law], truth, None, COSTS[cost], budgets, sizes=(1e6, 1e9),
                     measured=1e20)  # fmt: skip
    inside = [optimum for optimum in found.optima if optimum.found]
    size, steps, loss = (
        np.array([getattr(optimum, name).value for optimum in inside])
        for name in ("size", "steps", "loss")
    )
    for rising in (size, steps, -loss):
        assert (np.diff(rising) > 0).all()
    spent = COSTS[cost](size) * steps
    assert spent == pytest.approx([optimum.flops for optimum in inside], rel=1e-9)
