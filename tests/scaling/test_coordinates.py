"""Activations under muP do not depend on width; without it they do."""

import jax
import numpy as np
import pytest

from scaling.config import RunConfig
from scaling.data.order import batch_indices
from scaling.data.source import load
from scaling.measure.coordinates import CoordinateMeter
from scaling.train.program import make_program, rates
from sweeps.manifest import load as load_manifest

STEPS = 16


def sizes(config: RunConfig, seeds: int) -> dict[str, float]:
    """Every metric after some steps, as a mean over seeds."""
    source = load(config.data)
    program = make_program(config, source)
    numbers = np.arange(seeds, dtype=np.int32)
    state, first = program.init(numbers), program.init(numbers).parameters
    per_run = jax.tree.map(lambda x: np.repeat(x[None], seeds), rates(config))
    assert source.examples is not None
    drawn = [
        batch_indices(seed, 0, STEPS, config.train.batch_size, source.examples)
        for seed in range(seeds)
    ]
    state = program.advance(
        state, numbers, per_run, source.arrays, np.array(drawn), np.int32(0), np.int32(STEPS)
    )
    rows = CoordinateMeter(config, source).rows(state.parameters, first, STEPS)
    return {
        row.metric: float(np.mean([run[i].value for run in rows])) for i, row in enumerate(rows[0])
    }


def slopes(rule: str, widths: tuple[int, ...], seeds: int) -> dict[str, float]:
    """Of every metric's logarithm over the width's."""
    runs = {
        run.config.model.width: run.config
        for run in load_manifest("coordinate_check").runs
        if run.config.train.transfer.rule == rule
    }
    found = [sizes(runs[width], seeds) for width in widths]
    return {
        metric: float(np.polyfit(np.log(widths), np.log([f[metric] for f in found]), 1)[0])
        for metric in found[0]
    }


@pytest.mark.slow
def test_with_mup_nothing_grows_with_width_and_without_it_does():
    widths = (32, 64, 128, 256, 512)
    assert max(map(abs, slopes("mup", widths, 3).values())) < 0.1
    assert max(slopes("none", widths, 1).values()) > 0.5


def test_nothing_has_moved_before_training():
    config = next(iter(load_manifest("coordinate_check").runs)).config
    source = load(config.data)
    first = make_program(config, source).init(np.array([0, 1], np.int32)).parameters
    rows = CoordinateMeter(config, source).rows(first, first, 0)
    assert [row.value for row in rows[0] if row.metric.startswith("activation_change/")] == [0] * 3
    assert rows[0][0].value != rows[1][0].value  # another seed
    named = {row.metric for row in rows[0]}
    assert named >= {"activation/block 0", "activation/block 1", "activation/prediction"}
