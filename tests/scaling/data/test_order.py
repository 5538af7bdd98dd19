import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaling.data.order import batch_indices

sizes = st.integers(1, 40)
quick = settings(max_examples=40, deadline=None)


@quick
@given(
    seed=st.integers(0, 2**32),
    first=st.integers(0, 50),
    steps=sizes,
    batch=sizes,
    examples=st.integers(5, 60),
)
def test_a_slice_alone_equals_the_slice_of_the_whole(seed, first, steps, batch, examples):
    whole = batch_indices(seed, 0, first + steps, batch, examples)
    alone = batch_indices(seed, first, steps, batch, examples)
    assert alone.shape == (steps, batch)
    assert alone.dtype == np.int32
    assert (alone == whole[first:]).all()


@quick
@given(seed=st.integers(0, 100), batch=sizes, examples=sizes)
def test_each_epoch_visits_every_example_once(seed, batch, examples):
    steps = -(-3 * examples // batch)
    stream = batch_indices(seed, 0, steps, batch, examples).ravel()
    for epoch in stream[: 3 * examples].reshape(3, examples):
        assert sorted(epoch) == list(range(examples))


def test_epochs_and_seeds_differ():
    first, second = batch_indices(0, 0, 2, 100, 100)
    assert (first != second).any()
    assert (first != batch_indices(1, 0, 1, 100, 100)[0]).any()


def test_the_order_is_pinned():
    assert batch_indices(0, 0, 1, 5, 1000).tolist() == [[459, 206, 222, 162, 711]]


def test_no_steps_are_no_batches():
    assert batch_indices(0, 7, 0, 4, 10).shape == (0, 4)


@pytest.mark.parametrize("position", [0, 99])
def test_places_in_an_epoch_are_shuffled_fairly(position):
    first = [batch_indices(seed, 0, 1, 100, 100)[0, position] for seed in range(400)]
    assert abs(np.mean(first) - 49.5) < 4 * 28.9 / np.sqrt(400)
