"""A sweep that measures its samples, from the manifest to the report, with the network shipped."""

import subprocess
import sys

import numpy as np
import pytest

from tests.endtoend.sweeping import Sweep

MANIFEST = """\
data: {source: digits}
model: {patch_size: 2}
train: {steps: 150, batch_size: 16, learning_rate: 4.0e-3}
measure:
  horizons: {first: 50, count: 2}
  held_out_examples: 64
  train_examples: 0
  samples: {count: 0}
  distances: {samples: 24, references: 32, steps: 6}
engine: {workers: 2, cohort: 2, steps_per_call: 50}
fit: {bootstrap: 0}
sweep: {grid: {model.rung: [20k, 40k], seed: [0, 1]}}
"""


@pytest.mark.slow
def test_a_two_rung_sweep_reports_the_distances_of_its_samples(tmp_path, monkeypatch):
    monkeypatch.setenv("SCALING_CACHE", str(tmp_path / "cache"))
    tables = []
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        sweep = Sweep.make(tmp_path / place, MANIFEST)
        done = sweep.run()
        assert done.returncode == 0, done.stderr
        rows = sweep.table()
        kept = rows["metric"].isin(["kid", "fd_infinite"])
        tables.append(rows[kept].sort_values(["run", "metric", "weights"]))
        assert len(list((tmp_path / "cache" / "features").iterdir())) == 2
    first, again = tables
    assert len(first) == 4 * 2 * 2  # runs, metrics, the samples and real images in their place
    np.testing.assert_array_equal(first["value"], again["value"])
    real = first[first["weights"] == "real"]
    assert real.groupby("metric")["value"].nunique().eq(1).all()
    kid = first[first["metric"] == "kid"].set_index("weights")["value"]
    assert kid["ema_0.1"].min() > kid["real"].max()
    assert "Sample metrics" in (sweep.directory / "report.html").read_text()
    command = [sys.executable, "-m", "scaling", "fit", str(sweep.directory), "--metric", "kid"]
    fitted = subprocess.run(command, capture_output=True, text=True, check=False)
    assert fitted.returncode == 0, fitted.stderr
    said = " ".join(fitted.stdout.split())
    assert "No law can be fitted to these runs" in said  # two rungs are too few
    assert "40k reached" in said
