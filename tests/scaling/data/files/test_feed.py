"""What the host reads is a function of the step: wherever it begins and whoever reads it."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaling.data import input as inputs
from scaling.data import memory
from scaling.data.feed import PIECE, Feed, Places, held_here, placed
from scaling.data.order import batch_indices
from scaling.train import sharding
from scaling.train.sharding import make_mesh

EXAMPLES, BATCH, STEPS = 23, 40, 6
SEEDS = np.array([5, 5, 9])


def fetch(index):
    """Two arrays that tell which example it is."""
    return {"images": np.stack([index, index**2], -1), "tokens": index.astype(np.int16)}


def feed(first=0, runs=(0, 1, 2), places=range(BATCH), reader=fetch, end=STEPS):
    here = Places(np.array(runs), np.array(places))
    about = {"seeds": SEEDS, "batch": BATCH, "examples": EXAMPLES, "threads": 3, "ahead": 5}
    return Feed(reader, first=first, end=end, here=here, **about)


def expected(steps=STEPS):
    drawn = [batch_indices(int(seed), 0, steps, BATCH, EXAMPLES) for seed in SEEDS]
    return fetch(np.stack(drawn))


def same(one, other):
    for name, values in one.items():
        assert values.dtype == other[name].dtype
        assert (values == other[name]).all()


def test_it_gives_the_order_of_the_seeds_for_calls_of_any_length():
    stream = feed()
    parts = [stream.next(count) for count in (1, 3, 2)]
    same({n: np.concatenate([p[n] for p in parts], 1) for n in parts[0]}, expected())
    stream.close()


def test_beyond_the_steps_asked_for_it_is_zero():
    stream = feed()
    found = stream.next(2, 5)
    same({name: values[:, :2] for name, values in found.items()}, expected(2))
    assert all((values[:, 2:] == 0).all() and values.shape[1] == 5 for values in found.values())
    stream.close()


@pytest.mark.parametrize("first", [1, 4])
def test_begun_at_any_step_it_goes_on_exactly(first):
    stream = feed(first)
    same(stream.next(STEPS - first), {n: v[:, first:] for n, v in expected().items()})
    stream.close()


@pytest.mark.parametrize("processes", [1, 2, 4])
def test_processes_read_their_own_places_and_together_the_whole(processes):
    """In mid-epoch of one count of processes, and on from there with another."""
    read = []

    def counted(index):
        read.append(len(index))
        return fetch(index)

    share = BATCH // processes
    found = []
    for process in range(processes):
        places = range(process * share, (process + 1) * share)
        stream = feed(first=2, runs=(0, 2), places=places, reader=counted)
        found.append(stream.next(STEPS - 2))
        stream.close()
    whole = {n: np.concatenate([f[n] for f in found], axis=2) for n in found[0]}
    same(whole, {n: v[[0, 2], 2:] for n, v in expected().items()})
    assert sum(read) <= 2 * BATCH * (STEPS - 2)
    assert max(read) <= 2 * PIECE


def test_runs_of_one_seed_are_read_once():
    read = []

    def counted(index):
        read.extend(index)
        return fetch(index)

    stream = feed(runs=(0, 1), reader=counted, end=1)
    stream.next(1)
    stream.close()
    assert len(read) <= BATCH


def test_what_a_reader_raises_reaches_the_training_loop():
    def broken(index):
        raise LookupError("gone")

    stream = feed(reader=broken)
    with pytest.raises(LookupError, match="gone"):
        stream.next(1)
    stream.close()


@settings(max_examples=30, deadline=None)
@given(runs=st.sampled_from([1, 2, 3, 4]), batch=st.sampled_from([4, 6, 8]), data=st.data())
def test_arrays_of_all_processes_are_put_together_from_each_ones_own(runs, batch, data):
    """On one process, which holds everything, of a mesh of the one device."""
    shape = (runs, data.draw(st.integers(1, 3)), batch, 2)
    values = np.arange(np.prod(shape)).reshape(shape)
    place = sharding.per_example(make_mesh(runs, batch, jax.devices()))
    here = held_here(place, runs, batch)
    assert here.runs.tolist() == list(range(runs))
    assert here.places.tolist() == list(range(batch))
    made = placed({"a": values}, here, place, runs, batch)["a"]
    assert made.sharding == place
    assert (np.asarray(made) == values).all()


def test_calls_are_as_short_as_memory_demands(monkeypatch):
    def fetch(index):
        return {"images": np.zeros((len(index), 100), np.uint8)}

    about = {"seeds": SEEDS, "batch": BATCH, "steps": STEPS, "steps_per_call": 50}
    about |= {"fetch": fetch, "examples": EXAMPLES}
    place = sharding.per_example(make_mesh(len(SEEDS), BATCH, jax.devices()))
    assert inputs.Input(place, **about).steps_per_call == 50
    monkeypatch.setattr(memory, "CALL_BYTES", 7 * 3 * BATCH * 100)
    given = inputs.Input(place, **about)
    assert given.steps_per_call == 7
    assert given.shapes()["images"].shape == (3, 7, BATCH, 100)
    assert given(0, 2)["images"].shape == (3, 7, BATCH, 100)
    given.close()
