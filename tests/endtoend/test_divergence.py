"""A run whose loss is no longer finite is a result with a reason; the others go on."""

import json

import pandas as pd
import pytest

from scaling.checkpoint import steps
from tests.endtoend.sweeping import MANIFEST, STEPS, Sweep, kill_all_at, training

WILD = """\
sweep:
  grid: {model.rung: [20k], seed: [0]}
  include:
    - {model.rung: 20k, seed: 1, train.learning_rate: 1.0e+30, train.weight_decay: 1.0e+30}
"""


def well_past(attempt):
    """After the divergence, which is at once, and so late that checkpoints before it are gone."""
    return training(attempt) and max(steps(attempt / "checkpoints")) >= STEPS / 2


@pytest.mark.slow
def test_a_diverging_run_is_recorded_and_left_out_and_the_sweep_goes_on(tmp_path):
    """Killed on the way: the cohort resumes where it was, its diverged run included."""
    sweep = Sweep.make(tmp_path, MANIFEST + WILD)
    kill_all_at(sweep, well_past)
    ended = sweep.run()
    # A diverged run is a result, not a failure: trying again would end in the same way.
    assert ended.returncode == 0, ended.stderr
    assert "1 of 2 runs finished, 1 diverged" in ended.stdout
    steady, wild = sweep.results()
    assert steady["status"] == "finished"
    # It went on from the newest step that both runs hold; they are saved one after the other.
    assert steady["trained_steps"] < STEPS
    assert wild["status"] == "diverged"
    assert wild["step"] < 10
    reason = f"the loss or its gradient was not finite at step {wild['step']}"
    assert wild["reason"] == reason
    runs = pd.read_csv(sweep.directory / "runs.csv", index_col="run")
    name = sweep.runs[1].name
    assert runs.loc[name, ["status", "reason"]].tolist() == ["diverged", reason]
    fits = json.loads((sweep.directory / "fits.json").read_text())
    excluded = [left for series in fits["series"] for left in series["selection"]["excluded"]]
    assert [(left["run"], reason in left["reason"]) for left in excluded] == [(name, True)]
    report = (sweep.directory / "report.html").read_text()
    assert name in report
    assert reason in report
