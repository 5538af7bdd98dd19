"""Calls of the training program are sent off before the last one's losses are looked at."""

import math
import time

import numpy as np
import pytest

from scaling.attempt import Member
from scaling.cohort import Clock, Cohort, Execution, Seen
from scaling.idle import Idle
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


def slow_input(cohort, seconds):
    inner = cohort.input

    def slow(*arguments):
        time.sleep(seconds)
        return inner(*arguments)

    cohort.input = slow


def test_input_that_devices_wait_for_is_counted_as_their_wait(cohort):
    slow_input(cohort, 0.2)
    for stop in (4, 8):
        with cohort.clock("train"):
            cohort.advance(stop)
            cohort.wait()  # so that nothing is computed while the next is read
    assert 0.4 <= cohort.clock.seconds["input"] < 0.4 + cohort.clock.seconds["train"]


def test_input_that_hides_behind_the_call_in_flight_is_not(cohort):
    class Computing:
        def is_ready(self):
            return False

    slow_input(cohort, 0.2)
    cohort._calls.append(Seen(Computing(), Computing(), Computing()))
    with cohort.clock("train"):
        cohort.advance(4)
    assert cohort.clock.seconds["input"] == 0
    assert cohort.clock.seconds["train"] >= 0.2


def test_a_wait_begins_when_the_devices_end():
    """To a look: the work ends in the midst of ten looks."""
    work = iter([True] * 6 + [False] * 20)
    idle = Idle(lambda: next(work))
    begun = time.perf_counter()
    for _ in range(10):
        time.sleep(0.02)
        idle.look()
    whole = time.perf_counter() - begun
    assert 0.08 <= idle.seconds() <= whole - 0.08
    assert Idle(lambda: True).seconds() == 0
