"""What the benchmarks time is what they say."""

import sweeps
from benchmarks.rungs import at_rung
from scaling.config import RunConfig


def test_every_rung_of_the_quickstart_is_reached_from_the_first():
    """With the sizes of its own: so the configuration is that of the sweep's run."""
    runs = sweeps.load("quickstart").runs
    for run in runs:
        moved = RunConfig.model_validate(at_rung(runs[0].config, run.config.model.rung))
        assert moved.model == run.config.model
