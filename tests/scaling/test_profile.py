"""The profiler's switch: a trace of the steps that were asked for, and the same numbers."""

import itertools

import jax
import pytest

from scaling.profile import FOLDER, Profiler, Window
from scaling.run import Execution, Member
from tests.scaling.conftest import tiny, values_of


def traces(directory):
    return sorted((directory / FOLDER).rglob("*.xplane.pb"))


def test_a_run_is_traced_and_no_number_changes(train):
    (plain,), _ = train(tiny())
    assert not (plain / FOLDER).exists()
    window = Execution(steps_per_call=5, profile=Window(first=7, steps=6))
    (traced,), _ = train(tiny(), execution=window)
    (trace,) = traces(traced)
    assert b"jit_advance" in trace.read_bytes()
    assert values_of(traced) == values_of(plain)


def computing(window, directory, stops, earlier=()):
    """Calls that end at these steps, each a program that is called by its first step."""
    directory.mkdir()
    member = Member(config=tiny(), directory=directory, earlier=tuple(earlier))
    with Profiler(window, [member]) as profiler:
        for step, stop in itertools.pairwise(stops):

            def body(x):
                return x + 1

            body.__name__ = f"from_{step}_on"
            with profiler.call(step, stop):
                jax.jit(body)(step).block_until_ready()
    return [trace.read_bytes() for trace in traces(directory)]


@pytest.mark.parametrize(
    ("window", "inside", "outside"),
    [
        (Window(first=7, steps=6), (10, 12), (0, 5, 17)),  # whole calls: 10 to 12, 12 to 17
        (Window(first=12, steps=1000), (12, 17), (5, 10)),  # until training ends
    ],
)
def test_whole_calls_from_the_first_on_are_traced_once(window, inside, outside, tmp_path):
    stops = [0, 5, 10, 12, 17, 24]
    (trace,) = computing(window, tmp_path / "1", stops)
    for step in (*inside, *outside):
        assert (f"from_{step}_on".encode() in trace) == (step in inside)
    assert computing(window, tmp_path / "2", stops, earlier=[tmp_path / "1"]) == []


def test_a_window_after_the_end_traces_nothing_and_neither_does_none(tmp_path):
    assert computing(Window(first=24, steps=1), tmp_path / "1", [0, 12, 24]) == []
    assert computing(None, tmp_path / "2", [0, 12, 24]) == []
