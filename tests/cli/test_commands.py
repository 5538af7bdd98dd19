"""The command line as a person meets it: what it prints, how it exits, what it imports."""

import json
import os
import resource
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from models import FAMILIES, count
from scaling.cli.app import app
from sweeps.store.claims import server_clock, take
from sweeps.store.states import end, settle
from tests.analysis.rate_sweeps import rate_table
from tests.sweeps.examples import BASE, SIX, append, make_store, row

HEAVY = {"jax", "flax", "optax", "orbax", "pandas", "matplotlib", "scipy"}


def scaling(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "scaling", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "200", **environment},
        timeout=120,
        check=False,
    )


def imported(*arguments) -> set[str]:
    code = (
        "import sys\nfrom scaling.cli import main\n"
        f"sys.argv = {['scaling', *map(str, arguments)]!r}\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print('\\n' + ' '.join(sys.modules))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    return set(found.stdout.splitlines()[-1].split())


@pytest.fixture
def trained(tmp_path):
    """A sweep whose runs are all finished, with losses 1 + 30 / sqrt(N)."""
    (tmp_path / "m.yaml").write_text(SIX + "fit: {bootstrap: 0}\n")
    store = make_store(tmp_path / "s", (tmp_path / "m.yaml").read_text())
    for run in store.runs:
        claim = take(run.directory, lambda: server_clock(store.directory))
        size = run.record["parameters_non_embedding"]
        losses = {s: 1 + 30 / size**0.5 + 1 / s + 0.001 * run.record["seed"] for s in (100, 200)}
        metric = "importance_weighted_loss"
        append(claim.attempt, *(row(s, loss, metric=metric) for s, loss in losses.items()))
        (claim.attempt / "protocols.json").write_text('{"0123abcd": {"a": 1}}')
        end(claim, "finished", step=200, reason=None, seconds={"train": 1.0})
        settle(run.directory)
    return tmp_path


def test_help_names_every_command():
    shown = scaling("--help")
    assert shown.returncode == 0
    for command in app.registered_commands:
        assert f" {command.callback.__name__} " in shown.stdout


def test_the_light_commands_import_nothing_heavy(trained):
    for arguments in (
        ["--help"],
        ["validate", "quickstart"],
        ["schema"],
        ["status", trained / "s"],
        ["ladder", "dit"],
    ):
        assert not imported(*arguments) & HEAVY, arguments
    assert "scaling.config" not in imported("status", trained / "s")


def test_the_light_commands_answer_at_once(trained):
    for arguments in (["--help"], ["validate", "quickstart"], ["status", trained / "s"]):
        scaling(*arguments)  # compiles what Python has not compiled yet
        spent = []
        for _ in range(2):
            start = children_seconds()
            scaling(*arguments)
            spent.append(children_seconds() - start)
        assert min(spent) < 1.5, arguments  # 0.3 s on a quiet machine with compiled modules


def children_seconds():
    """Of CPU, which other work on the machine changes little."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_a_foreign_table_is_read_and_described_within_three_seconds(tmp_path):
    size, steps = np.meshgrid(np.geomspace(1e6, 1e9, 50), np.geomspace(1e3, 1e5, 20))
    frame = pd.DataFrame({"params": size.ravel(), "step": steps.ravel()})
    frame["val_loss"] = 0.3 + 8 * frame["params"] ** -0.35 + 4 * frame["step"] ** -0.6
    frame.to_csv(tmp_path / "runs.csv", index=False)
    command = [sys.executable, "-m", "scaling", "fit", str(tmp_path / "runs.csv")]
    before = children_seconds()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as running:
        assert running.stderr
        first = running.stderr.readline().decode()
        running.kill()
    assert children_seconds() - before < 3
    assert first.endswith(
        "1,000 rows, 50 runs, 50 sizes; parameters = params, value = val_loss, steps = step\n"
    )


def test_validate(tmp_path):
    assert scaling("validate", "quickstart").stdout == (
        "quickstart.yaml: valid; 12 runs, rungs: 6, sweeping model.rung, seed\n"
    )
    path = tmp_path / "m.yaml"
    path.write_text(BASE.replace("rung", "rugn"))
    found = scaling("validate", path)
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr.splitlines() == [
        f"{path}:2:9: model.rugn: unknown key; did you mean 'rung'?",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["validate", "quikstart"], "no manifest 'quikstart' here or among the shipped ones; did"),
        (["status", "nowhere"], "error: nowhere: no such directory"),
        (["worker", "nowhere"], "error: nowhere: no such directory"),
        (["ladder", "dot"], "error: no ladder 'dot'; did you mean 'dit'?"),
        (["ladder", "dit", "--patch-size", "5"], "patches of 5 pixels do not tile"),
        (["ladder", "edm2", "--conditioning", "none"], "a edm2 has no conditioning 'none'; it"),
        (["run", "quickstart", "--engine", "abacus", "--dry-run"], "no engine 'abacus'; there are"),
        (["fit", "nowhere"], "error: nowhere: no such file or directory"),
        (["launch"], "No such command 'launch'"),
    ],
)
def test_bad_usage_is_one_screen_and_exit_status_2(arguments, message, tmp_path):
    found = scaling(*arguments)
    assert found.returncode == 2
    assert message in found.stderr
    assert "Traceback" not in found.stderr
    assert len(found.stderr.splitlines()) < 12


def test_a_bad_manifest_leaves_nothing_behind(tmp_path):
    (tmp_path / "m.yaml").write_text(BASE + "sweep: {grid: {model.rung: [20k, w13]}}\n")
    assert scaling("run", tmp_path / "m.yaml", "-o", tmp_path / "s").returncode == 2
    assert not (tmp_path / "s").exists()


def test_a_dry_run_shows_the_commands_and_writes_nothing(tmp_path):
    found = scaling("run", "quickstart", "--dry-run", "-o", tmp_path / "s", "--workers", "2")
    assert found.returncode == 0
    assert "12 runs in" in found.stdout
    assert found.stdout.count(f"-m scaling worker {tmp_path / 's'} --cores ") == 2
    assert not (tmp_path / "s").exists()


def test_plan_states_its_assumption_and_scales_with_it():
    slow, fast = (scaling("plan", "quickstart", "--rate", rate).stdout for rate in ("1e9", "1e10"))
    assert "if a worker does 1e+09 FLOP/s" in slow
    assert slow.splitlines()[1].split()[:2] == ["20k", "2"]
    assert slow != fast


def test_plan_lays_a_published_ladder_out_on_a_pod_that_is_not_there(tmp_path):
    mean = np.zeros((40, 32, 32, 4), np.float16)
    np.savez(tmp_path / "latents.npz", mean=mean, labels=np.arange(40) % 10)
    (tmp_path / "xl.yaml").write_text(
        f"""
name: xl
data: {{source: latents, file: {tmp_path}/latents.npz, scale_factor: 0.18215}}
model: {{family: dit, patch_size: 2, conditioning: class}}
train: {{steps: 400000, batch_size: 256, precision: bfloat16}}
sweep: {{grid: {{model.rung: [S, XL], seed: [0, 1]}}}}
"""
    )
    arguments = ("plan", tmp_path / "xl.yaml", "--devices", "64", "--workers", "1")
    shown = scaling(*arguments, "--on", "tpu-v5e", "--utilisation", "0.5").stdout
    rows = {line.split()[0]: " ".join(line.split()) for line in shown.splitlines() if line}
    assert "2 x 32 x 1" in rows["S"]  # its state fits into half of 16 GB
    assert "13.5 GB 4.57 GB 300 MB 2 x 16 x 2 11.3 GB" in rows["XL"]
    # 118.64 Gflops (multiply-adds) forward at 256 px, as published; three times that to train.
    flops = float(rows["XL"].split()[4])
    assert flops == pytest.approx(6 * 118.64e9 * 256 * 400_000, rel=0.01)
    rate = 64 * 0.5 * 197e12
    assert f"a worker does {rate:.3g} FLOP/s (50% of what its 64 devices could do)" in shown
    hours, minutes = (int(part) for part in rows["XL"].split()[-2].split(":"))
    assert 60 * hours + minutes == pytest.approx(flops / rate / 60, abs=1)
    refused = scaling(*arguments, "--on", "h1000")
    assert refused.returncode == 2
    assert "no device 'h1000'; there are: a10," in refused.stderr
    assert "fsdp 3 must divide both" in scaling(*arguments, "--fsdp", "3").stderr


def test_the_schema_covers_sections_and_dotted_paths():
    schema = json.loads(scaling("schema").stdout)
    sections = {"name", "data", "model", "diffusion", "train", "measure", "seed", "sweep"}
    assert sections | {"ladder", "engine", "fit"} == set(schema["properties"])
    grid = schema["$defs"]["SweepConfig"]["properties"]["grid"]["properties"]
    assert grid["train.learning_rate"]["items"]["exclusiveMinimum"] == 0
    assert grid["model.rung"]["type"] == "array"
    assert "required" not in schema["$defs"]["TrainConfig"]


def test_the_ladder_lists_every_rung_from_small_to_large():
    rungs = FAMILIES["dit"].rungs
    lines = scaling("ladder", "dit").stdout.splitlines()[2 : 2 + len(rungs)]
    assert [line.split()[0] for line in lines] == list(rungs)
    sizes = [int(line.split()[4].replace(",", "")) for line in lines]
    assert sizes == sorted(sizes)


def test_the_ladder_says_what_a_size_keeps_in_memory_and_how_its_counts_match():
    shown = scaling(
        *("ladder", "dit", "--size", "32", "--channels", "4", "--length", "77"),
        *("--embedding-width", "768", "--published"),
    ).stdout
    gu = next(known.shape for known in FAMILIES["dit"].published if known.name == "Gu-S")
    counts = count("dit", gu)
    first, memory = (line.split() for line in shown.splitlines() if line.startswith("S "))
    assert first[4] == f"{counts.parameters:,}"
    assert memory[1:3] == [f"{4 * counts.parameters / 1e6:.3g}", "MB"]
    kept = [4 * counts.kept[p] / 1e6 for p in ("nothing", "all_but_products", "all")]
    assert memory[-6::2] == [f"{number:.3g}" for number in kept]
    text = " ".join(shown.split())
    assert "the printed parameters to the last digit" in text
    assert "Heads of the small rungs are 20 to 36 channels wide" in text
    edm2 = " ".join(scaling("ladder", "edm2").stdout.split())
    assert "the paper's figures are up to 2.3 % higher" in edm2
    assert "Heads of the small rungs" not in edm2


def test_status_says_what_is_done_running_and_failed(tmp_path):
    store = make_store(tmp_path / "s")
    finished, running, failed = store.runs[:3]

    def claim(run):
        return take(run.directory, lambda: server_clock(store.directory))

    end(claim(finished), "finished", step=200, reason=None, seconds={})
    settle(finished.directory)
    told = {"phase": "train", "step": 120, "steps": 200, "loss": 0.25, "cohort": [running.id]}
    (claim(running).attempt / "progress.json").write_text(json.dumps(told))
    for _ in range(2):
        end(claim(failed), "failed", reason="ValueError: no luck")
    shown = scaling("status", store.directory)
    assert shown.returncode == 0
    assert "1 finished, 1 running, 1 failed, 3 pending" in shown.stdout
    assert f"{running.id}  20k    seed 1   running   train 120/200, loss 0.2500 (process" in (
        shown.stdout
    )
    assert "ValueError: no luck (see runs/" in shown.stdout
    machine = json.loads(scaling("status", store.directory, "--json").stdout)
    assert machine["counts"]["pending"] == 3
    assert machine["runs"][1]["step"] == 120


def test_a_sweep_of_another_version_is_refused(trained):
    path = trained / "s" / "sweep.json"
    path.write_text(path.read_text().replace('"layout": 1', '"layout": 99'))
    for arguments in (["status", trained / "s"], ["run", trained / "m.yaml", "-o", trained / "s"]):
        found = scaling(*arguments)
        assert found.returncode == 2
        assert "written by another version of scaling (layout 99" in found.stderr


def test_running_again_trains_nothing_and_reports_once(trained):
    command = ["run", trained / "m.yaml", "-o", trained / "s"]
    first = scaling(*command)
    assert first.returncode == 0, first.stderr
    assert "6 of 6 runs finished; nothing to train" in first.stdout
    assert (trained / "s" / "report.html").exists()
    start = time.perf_counter()
    second = scaling(*command)
    assert time.perf_counter() - start < 5
    assert second.returncode == 0
    assert f"{trained / 's' / 'report.html'} is up to date" in second.stdout
    assert not (trained / "s" / "logs").exists(), "a worker was started"
    assert not imported(*command) & HEAVY
    assert not imported("fit", trained / "s") & HEAVY, "the report holds the answer"


@pytest.mark.slow
def test_a_report_is_stale_once_the_sweep_of_rates_that_it_names_has_changed(trained):
    def sweep_rates(**options):
        table = rate_table(**options)
        table.frame.to_parquet(rates / "measurements.parquet")
        table.runs.to_csv(rates / "runs.csv", index=False)

    rates = trained / "rates"
    rates.mkdir()
    sweep_rates()
    manifest = trained / "m.yaml"
    manifest.write_text(SIX + f"fit: {{bootstrap: 0, rates_from: '{rates}'}}\n")
    command = ["run", manifest, "-o", trained / "s"]
    assert "up to date" not in scaling(*command).stdout
    assert "up to date" in scaling(*command).stdout
    sweep_rates(seeds=2, noise=0.01)
    assert "up to date" not in scaling(*command).stdout


def test_failed_runs_give_exit_status_1(trained, tmp_path):
    store = make_store(tmp_path / "s", (trained / "m.yaml").read_text())
    (store.runs[0].directory / "result.json").unlink()
    for _ in range(2):
        claim = take(store.runs[0].directory, lambda: server_clock(store.directory))
        (claim.run / "attempts" / "1" / "ended.json").unlink(missing_ok=True)
        end(claim, "failed", reason="ValueError: no luck")
    found = scaling("run", trained / "m.yaml", "-o", trained / "s")
    assert found.returncode == 1
    assert "5 of 6 runs finished, 1 failed" in found.stdout
    assert "--retry-failed" in found.stderr
