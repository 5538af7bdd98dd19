"""EDM2 trained as published, with dropout and a learned log-variance: still a pure function."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pydantic import ValidationError

from scaling import build, checkpoint
from scaling.config.cohort import cohort_key
from scaling.data.source import load
from scaling.run import Preempted
from scaling.train.gradients import gradients
from scaling.train.losses import batches, weighted_losses
from scaling.train.program import make_program, rates
from tests.scaling.conftest import tiny, values_of

PUBLISHED = {
    "model": {"family": "edm2", "depth": 1, "width": 4, "heads": 1, "patch_size": 1},
    "diffusion": {
        "process": {"name": "variance_exploding"},
        "prediction": "edm",
        "error": "x0",
        "density": {"name": "normal", "location": 0.8, "scale": 2.0},
        "weighting": {"name": "edm"},
        "log_variance": {"name": "learned"},
    },
    "train__dropout": 0.3,
}
STEPS = 6


def started(program, configs):
    """The cohort's first state, and (state, first, count) -> the state so many steps on."""
    source, seeds = load(configs[0].data), np.array([c.seed for c in configs], np.int32)
    rated = jax.tree.map(lambda *numbers: jnp.stack(numbers), *map(rates, configs))
    indices = jnp.zeros((len(configs), STEPS, configs[0].train.batch_size), jnp.int32)

    def advance(state, first, count):
        given = seeds, rated, source.arrays, indices, np.int32(first), np.int32(count)
        return jax.device_get(program.advance(jax.tree.map(jnp.asarray, state), *given))

    return jax.device_get(program.init(seeds)), advance


def test_interrupted_the_same_bits_and_in_a_cohort_the_same_run(tmp_path):
    configs = [tiny(**PUBLISHED, seed=seed) for seed in range(3)]
    assert len({cohort_key(config) for config in configs}) == 1
    program = make_program(configs[0], load(configs[0].data))
    first, advance = started(program, configs[:2])
    through = advance(first, 0, STEPS)
    checkpoint.save(tmp_path, 2, advance(first, 0, 2))
    resumed = advance(checkpoint.load(tmp_path / "2", first), 2, STEPS - 2)
    jax.tree.map(assert_array_equal, resumed, through)
    # Whoever else is in its cohort, and wherever it stands there.
    state, advance = started(program, [configs[2], configs[0]])
    other = advance(state, 0, STEPS)
    jax.tree.map(lambda a, b: assert_array_equal(a[1], b[0]), other, through)
    # And so that being equal means something:
    weights = [state.log_variance["weights"] for state in (first, through)]
    assert 0.01 < np.abs(weights[1] - weights[0]).max() < 0.2
    assert np.abs(weights[0][1] - weights[0][0]).max() > 0.1


def test_parts_of_a_batch_drop_what_the_whole_does_and_evaluation_nothing():
    config = tiny(**PUBLISHED)
    source, losses = load(config.data), weighted_losses(config)

    @jax.jit
    def everything(key):
        init = jax.tree.map(lambda p: p + 0.1, build.network(config).init(key))
        index = jnp.zeros(config.train.batch_size, jnp.int32)
        drawn = batches(config, source)({}, source.arrays, key, index)
        plain = batches(tiny(**{**PUBLISHED, "train__dropout": 0.0}), source)
        undropped = plain({}, source.arrays, key, index)
        in_parts, _ = gradients(losses, 4)(init, drawn)
        each, plain = losses(init, drawn), losses(init, undropped)
        return in_parts, each, plain, drawn._replace(dropout=None), undropped

    in_parts, each, plain, drawn, undropped = everything(jax.random.key(0))
    assert_allclose(in_parts, each, rtol=1e-4)
    assert (jnp.abs(each - plain) > 1e-4 * plain).all()
    # Everything else about the batch is what it is without.
    jax.tree.map(assert_array_equal, drawn, undropped)


@pytest.mark.slow
def test_resumed_after_preemption_to_the_same_rows(train):
    config = tiny(**PUBLISHED)
    (undisturbed,), _ = train(config)

    def interrupt(progress):
        if progress.phase == "train" and progress.step >= 10:
            raise Preempted

    with pytest.raises(Preempted):
        train(config, progress=interrupt)
    (resumed,), (outcome,) = train(config, earlier=[undisturbed.parent / "attempt-1"])
    assert 0 < outcome.trained_steps < 24
    assert values_of(resumed) == values_of(undisturbed)


@pytest.mark.parametrize("family", ["dit", "uvit"])
def test_families_without_it_refuse_it(family):
    model = {"family": family, "rung": "20k", "patch_size": 2}
    said = f"train.dropout is for edm2: a published {family} has none; leave it out"
    with pytest.raises(ValidationError, match=said):
        tiny(model=model, train__dropout=0.1)
