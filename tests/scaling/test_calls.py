"""Calls of the training program are sent off before the last one's losses are looked at."""

import math

import numpy as np
import pytest

from scaling.attempt import Member
from scaling.cohort import Clock, Cohort, Execution
from tests.scaling.conftest import tiny


@pytest.fixture
def cohort(tmp_path):
    config = tiny(data={"source": "mixture", "size": 4, "components": 4})
    return Cohort([Member(config=config, directory=tmp_path)], Execution(steps_per_call=4), Clock())


def test_with_one_call_in_flight_the_host_sees_the_one_before(cohort):
    assert cohort.shown_loss() is None
    seen, exact = [], []
    for stop in (4, 8, 12):
        cohort.advance(stop)
        cohort.wait(in_flight=1)
        seen.append(cohort.shown_loss())
        exact.append(float(cohort.mean_loss()[0]))
    assert seen[0] is None
    assert seen[1:] == pytest.approx(exact[:2])
    cohort.wait()
    assert cohort.shown_loss() == pytest.approx(exact[2])
    assert not cohort.all_diverged
    cohort.forget_loss()
    assert cohort.shown_loss() is None


def test_a_run_that_is_no_longer_finite_is_seen_when_its_call_is_waited_for(cohort):
    broken = cohort.state.parameters | {}
    name = sorted(broken)[0]
    import jax

    broken[name] = jax.tree.map(lambda leaf: leaf * np.float32(math.nan), broken[name])
    cohort.state = cohort.state._replace(parameters=broken)
    cohort.advance(4)
    cohort.wait(in_flight=1)
    assert cohort.shown_loss() is None
    cohort.wait()
    assert cohort.all_diverged
    assert cohort.diverged_at.tolist() == [0]
