"""What arrives in each tracker, as its own reader or ours of its files finds it."""

import json
import subprocess
import sys
from importlib.util import find_spec

import pytest
from typer.testing import CliRunner

from analysis.imports.wandb_log import read_log
from scaling.cli.app import app
from sweeps.store.states import end
from tests.sweeps.examples import make_store
from tests.sweeps.measured import begin, finish, rows, same, truth


def python(*arguments):
    done = subprocess.run(
        [sys.executable, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


MLFLOW = """
from mlflow import MlflowClient
client = MlflowClient(tracking_uri="sqlite:///" + sys.argv[1] + "/mlflow.db")
for run in client.search_runs([client.get_experiment_by_name("p").experiment_id]):
    mine = [client.get_metric_history(run.info.run_id, name) for name in run.data.metrics]
    history = [m for series in mine for m in series]
    tell(run.data.tags["diffusion_scaling.run"], run.info.run_name, run.data.tags["status"],
         run.data.params["model.rung"], [(m.step, m.key, m.value) for m in history])
"""
TRACKIO = """
import os
os.environ["TRACKIO_DIR"] = sys.argv[1]
from trackio.sqlite_storage import SQLiteStorage as stored
for run in stored.get_runs("p"):
    config = stored.get_run_config("p", run)
    logs = [dict(log) for log in stored.get_logs("p", run)]
    tell(config["id"], run, config["status"], config["model"]["rung"],
         [(log["step"], k, v) for log in logs for k, v in log.items() if "/" in k])
"""
TELL = "import json, sys\ndef tell(*found): print('FOUND', json.dumps(found))\n"


def from_api(code, into):
    lines = python("-W", "ignore", "-c", TELL + code, into).splitlines()
    return [json.loads(line[6:]) for line in lines if line.startswith("FOUND ")]


def from_wandb(into):
    """A run that was mirrored twice has two logs; wandb puts them together when it uploads them."""
    found = {}
    for file in sorted(into.rglob("*.wandb")):
        log = read_log(file)
        history = found.get(log.config["id"], [None] * 4)[-1] or []
        history += [(of["step"], key, of[key]) for of in log.rows for key in of if "/" in key]
        rung = log.config["model.rung"]
        found[log.config["id"]] = log.name, log.summary["status"], rung, history
    return [(run, *others) for run, others in found.items()]


READ = {
    "wandb": from_wandb,
    "mlflow": lambda into: from_api(MLFLOW, into),
    "trackio": lambda into: from_api(TRACKIO, into),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(READ))
def test_what_a_tracker_s_own_reader_finds(name, tmp_path):
    if find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    store, into = make_store(tmp_path / "s"), tmp_path / "m"
    command = ("-m", "scaling", "track", store.directory, "--to", name, "--into", into)
    first = begin(store, 0, *rows(50, 100))
    finish(begin(store, 1, *rows(100, run=1)))
    assert "6 new values, 2 runs" in python(*command, "--project", "p")
    end(first, "preempted")
    finish(begin(store, 0, *rows(50, 100, 200)))
    assert "2 new values, 2 runs" in python(*command, "--project", "p")
    assert "0 new values, 2 runs" in python(*command, "--project", "p")
    found = {run: others for run, *others in READ[name](into)}
    assert found.keys() == {run.id for run in store.runs[:2]}
    for place, expected in ((0, truth(50, 100, 200)), (1, truth(100, run=1))):
        called, status, rung, history = found[store.runs[place].id]
        assert called.replace("_", " ").startswith(f"20k seed {place}")
        assert (status, rung) == ("finished", "20k")
        same(sorted(map(tuple, history)), expected)


def test_the_command(tmp_path):
    store = make_store(tmp_path / "s")
    finish(begin(store, 0, *rows(100)))
    told = python("-m", "scaling", "track", store.directory, "--to", "tensorboard", "--levels")
    assert "3 new values, 1 runs; tensorboard --logdir" in told
    (folder,) = (store.directory / "tracked" / "tensorboard").glob("*/20k_seed_0_*")
    assert len(list(folder.iterdir())) == 1
    code = "import sys, sweeps.tracking.tensorboard; print('jax' in sys.modules)"
    assert python("-c", code) == "False\n"


def test_a_mirror_that_nobody_asked_to_send_asks_for_no_network(tmp_path, asked):
    store = make_store(tmp_path / "s")
    finish(begin(store, 0, *rows(100)))
    done = CliRunner().invoke(app, ["track", str(store.directory), "--to", "tensorboard"])
    assert done.exit_code == 0, done.output
    assert "2 new values, 1 runs" in done.output
    assert asked == []
