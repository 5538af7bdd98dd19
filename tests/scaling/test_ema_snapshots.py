"""Averages stored by a run, and those made of them."""

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose
from pydantic import ValidationError

from scaling import build, snapshots
from scaling.config.cohort import cohort_key
from scaling.errors import InputError
from scaling.run import Preempted, weights_of
from tests.scaling.conftest import tiny, values_of

KEPT = {"count": 8, "widths": [0.05, 0.1], "spacing": "even"}


def storing(**changes):
    return tiny(train__snapshots=KEPT, **changes)


def stored(directory):
    folder = directory / "snapshots"
    assert all(path.suffix == ".npz" for path in folder.iterdir())
    return {
        (step, name): array
        for step in snapshots.steps(folder)
        for name, array in np.load(folder / f"{step}.npz").items()
    }


@pytest.mark.slow
def test_storing_changes_no_measurement(train):
    (plain,), _ = train(tiny())
    (keeping,), _ = train(storing())
    found, expected = values_of(keeping), values_of(plain)
    assert found.keys() == expected.keys()
    # One more average in the program may move the last bit of another.
    assert_allclose([found[k] for k in expected], list(expected.values()), rtol=1e-5)
    assert {step for step, _ in stored(keeping)} == {3, 6, 9, 12, 15, 18, 21, 24}
    assert {name for _, name in stored(keeping)} == {"ema_0.05", "ema_0.1"}
    assert not (plain / "snapshots").exists()


@pytest.mark.slow
@pytest.mark.parametrize("moment", [("train", 10), ("measure", 12)])
def test_a_resumed_run_stores_the_same_snapshots(train, moment):
    config = storing(measure__ema_widths=[0.07])
    (undisturbed,), _ = train(config)

    def interrupt(progress):
        if progress.phase == moment[0] and progress.step >= moment[1]:
            raise Preempted

    with pytest.raises(Preempted):
        train(config, progress=interrupt)
    first = undisturbed.parent / "attempt-1"
    assert 0 < len(snapshots.steps(first / "snapshots")) < 8
    (resumed,), _ = train(config, earlier=[first])
    expected, found = stored(undisturbed), stored(resumed)
    assert found.keys() == expected.keys()
    assert all((found[k] == expected[k]).all() for k in expected)
    assert values_of(resumed) == values_of(undisturbed)


@pytest.mark.slow
def test_a_width_made_afterwards_measures_as_the_tracked_one(train):
    made_config = storing(measure__ema_widths=[0.07, 0.1])
    (made,), _ = train(made_config)
    (tracked,), _ = train(tiny(train__ema=[0.1, 0.07]))
    found, expected = values_of(made), values_of(tracked)
    last = [k for k in expected if k[0] == 24 and k[1] == "ema_0.07"]
    assert last
    assert {k[0] for k in found if k[1] == "ema_0.07"} == {24}
    assert_allclose([found[k] for k in last], [expected[k] for k in last], rtol=2e-3)
    assert (
        len({k for k in found if k[1] == "ema_0.1"}) == len({k for k in found if k[1] == "raw"}) - 3
    )

    weights = weights_of(made_config, made / "checkpoints", 24, "ema_0.07")
    best = weights_of(tiny(train__ema=[0.1, 0.07]), tracked / "checkpoints", 24, "ema_0.07")
    raw = weights_of(made_config, made / "checkpoints", 24, "raw")
    for ours, theirs, moved in zip(*map(jax.tree.leaves, (weights, best, raw)), strict=True):
        away = np.linalg.norm(np.asarray(moved) - theirs)
        assert np.linalg.norm(np.asarray(ours) - theirs) <= 0.01 * away + 1e-6


@pytest.mark.slow
def test_each_run_of_a_cohort_stores_its_own(train):
    configs = [storing(measure__ema_widths=[0.07]), storing(measure__ema_widths=[0.07], seed=3)]
    together, _ = train(*configs)
    (alone,), _ = train(configs[1])
    expected, found = values_of(alone), values_of(together[1])
    assert_allclose([found[k] for k in expected], list(expected.values()), rtol=1e-4)
    assert (stored(together[0])[24, "ema_0.1"] != stored(together[1])[24, "ema_0.1"]).any()


@pytest.mark.slow
def test_a_diverged_run_stores_and_makes_nothing_finite_and_ends_as_diverged(train):
    wild = storing(train__learning_rate=1e30, train__weight_decay=1e30, measure__ema_widths=[0.07])
    directories, outcomes = train(wild, storing(measure__ema_widths=[0.07]))
    assert [o.status for o in outcomes] == ["diverged", "finished"]
    assert np.isfinite(list(values_of(directories[1]).values())).all()


def test_widths_without_snapshots_are_refused():
    with pytest.raises(ValidationError, match=r"set train\.snapshots\.count"):
        tiny(measure__ema_widths=[0.07])


def test_runs_that_store_differently_do_not_share_a_program():
    assert cohort_key(storing()) != cohort_key(tiny())


def test_a_vector_of_another_network_is_refused(tmp_path):
    snapshots.save(tmp_path, 5, {"ema_0.05": {"w": np.ones(3)}, "ema_0.1": {"w": np.ones(3)}})
    config = storing().train.snapshots
    assert_allclose(snapshots.reconstruct(tmp_path, config, 5, 0.07, {"w": np.ones(3)})["w"], 1.0)
    with pytest.raises(ValueError, match="hold 3 weights"):
        snapshots.reconstruct(tmp_path, config, 5, 0.07, {"w": np.ones(4)})


def test_weights_of_an_earlier_step_are_the_average_up_to_it(tmp_path):
    config = storing()
    shape = jax.eval_shape(build.network(config).init, jax.random.key(0))
    for step in (3, 6, 9):
        averages = {"ema_0.05": 2.0 * step, "ema_0.1": 1.0 * step}
        trees = {
            name: jax.tree.map(lambda p, value=value: np.full(p.shape, value), shape)
            for name, value in averages.items()
        }
        snapshots.save(tmp_path / "snapshots", step, trees)
    found = snapshots.weights_at(tmp_path / "snapshots", config, 6, "ema_0.1")
    for leaf, like in zip(*map(jax.tree.leaves, (found, shape)), strict=True):
        assert leaf.shape == like.shape
        assert_allclose(leaf, 6.0, rtol=1e-5)
    with pytest.raises(InputError, match="no snapshot of step 5; there are some of 3, 6, 9"):
        snapshots.weights_at(tmp_path / "snapshots", config, 5, "ema_0.1")
    with pytest.raises(InputError, match=r"weights 'raw' of an earlier step .* among ema_0\.1"):
        snapshots.weights_at(tmp_path / "snapshots", config, 6, "raw")
    with pytest.raises(InputError, match="it kept none"):
        snapshots.weights_at(tmp_path / "elsewhere", config, 6, "ema_0.1")
