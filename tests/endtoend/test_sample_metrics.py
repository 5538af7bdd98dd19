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


@pytest.mark.exhaustive
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


TRIED = MANIFEST.replace(
    "steps: 6}",
    "steps: 6, metrics: [kid],\n"
    "              inference: {steps: [2, 6], guidance_scale: [1, 3], samples: 16}}",
)


@pytest.mark.slow
def test_a_sweep_reports_the_best_inference_setting_of_each_rung(tmp_path, monkeypatch):
    monkeypatch.setenv("SCALING_CACHE", str(tmp_path / "cache"))
    sweep = Sweep.make(tmp_path, TRIED)
    done = sweep.run()
    assert done.returncode == 0, done.stderr
    rows = sweep.table()
    kid = rows[rows["metric"] == "kid"]
    assert kid["inference"].value_counts().to_dict() == {"": 8, "candidate": 16, "best": 4}
    tried = kid[kid["inference"] == "candidate"].set_index(["run", "setting"])["value"]
    for _, best in kid[kid["inference"] == "best"].iterrows():
        assert tried[best["run"]].idxmin() == best["setting"]
        same = kid[(kid["run"] == best["run"]) & (kid["inference"] == "")]
        if best["setting"] == "steps=6 guidance_scale=1":
            assert best["value"] in set(same["value"])
    assert kid[kid["inference"] == "best"]["protocol"].nunique() == 1
    page = (sweep.directory / "report.html").read_text()
    assert "Inference setting by rung" in page
    assert "least kid of 4 settings, by 16 samples at each" in page
    command = [sys.executable, "-m", "scaling", "fit", str(sweep.directory), "--metric", "kid"]
    fitted = subprocess.run(
        [*command, "--inference", "best"], capture_output=True, text=True, check=False
    )
    assert fitted.returncode == 0, fitted.stderr
    assert "40k" in fitted.stdout
