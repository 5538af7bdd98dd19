"""Collecting: from the attempts' files to the table, and again."""

import json
import os
import time

import pandas as pd

from sweeps.collect import collect
from sweeps.store.claims import server_clock, take
from sweeps.store.states import end, settle
from tests.sweeps.examples import SIX, append, make_store, row

SIZES = ["width", "depth", "learning_rate", "transfer", "parameters", "parameters_non_embedding"]
COLUMNS = [
    *("run", "rung", "seed", *SIZES, "steps", "images", "unique_data", "flops"),
    *("status", "weights", "split", "metric", "log_snr", "value", "standard_error", "count"),
    "protocol",
    "inference",
    "setting",
]
RUN_COLUMNS = [
    *("run", "rung", "seed", *SIZES, "flops", "steps", "images"),
    *("status", "reason", "step", "seconds", "waited", "utilisation", "samples"),
]

SECONDS = {"train": 0.98, "input": 0.02, "measure": 0.25}


def attempt(store, run):
    return take(run.directory, lambda: server_clock(store.directory))


def finish(store, run, *rows, status="finished", protocols=None):
    claim = attempt(store, run)
    append(claim.attempt, *rows)
    (claim.attempt / "protocols.json").write_text(json.dumps(protocols or {"0123abcd": {"a": 1}}))
    end(claim, status, step=200, reason=None, seconds=SECONDS)
    settle(run.directory)
    return claim


def tables(store):
    folder = store.directory
    return pd.read_parquet(folder / "measurements.parquet"), pd.read_csv(folder / "runs.csv")


def test_round_trip(tmp_path):
    store = make_store(tmp_path / "s")
    for i, run in enumerate(store.runs[:5]):
        finish(store, run, row(100, 0.5 + i), row(200, 0.25 + i, log_snr=-1.5, standard_error=None))
    assert collect(store) == []
    table, runs = tables(store)
    assert list(table.columns) == COLUMNS
    assert list(runs.columns) == RUN_COLUMNS
    assert runs["waited"].dropna().tolist() == [0.02] * 5  # of training, not of measuring
    assert table["value"].tolist() == [v for i in range(5) for v in (0.5 + i, 0.25 + i)]
    assert table["log_snr"].isna().tolist() == [True, False] * 5
    assert table["standard_error"].isna().tolist() == [False, True] * 5
    for run in store.runs[:5]:
        mine = table[table.run == run.id]
        assert mine["images"].tolist() == [800, 1600]
        assert mine["unique_data"].tolist() == [800, 1424]  # of 1,424 digits
        assert mine["flops"].iloc[-1] == run.record["flops"]
        assert set(mine["parameters"]) == {run.record["parameters"]}
    assert runs["status"].tolist() == ["finished"] * 5 + ["pending"]
    assert runs["seconds"].tolist()[:5] == [1.25] * 5
    assert json.loads((store.directory / "protocols.json").read_text()) == {"0123abcd": {"a": 1}}


def test_an_empty_sweep_has_all_columns(tmp_path):
    store = make_store(tmp_path / "s")
    collect(store)
    table, runs = tables(store)
    assert (list(table.columns), len(table), len(runs)) == (COLUMNS, 0, 6)


def test_swept_paths_become_columns_that_tell_series_apart(tmp_path):
    text = SIX + (
        "    diffusion.density: [{name: cosine}, {name: laplace}]\n"
        "    train.ema: [[], [0.1]]\n"
        "    train.learning_rate: [1, 0.5]\n"
    )
    store = make_store(tmp_path / "s", text)
    finish(store, store.runs[0], row(100, 0.5))
    collect(store)
    table, runs = tables(store)
    paths = ["diffusion.density", "train.ema"]  # the learning rate tells no series apart
    assert list(table.columns) == COLUMNS + paths
    assert list(runs.columns) == RUN_COLUMNS + paths
    assert table[paths].iloc[0].tolist() == ["cosine (location 0, scale 1)", "none"]
    assert runs["learning_rate"].tolist() == [1.0, 0.5] * 24


def test_every_row_knows_its_size_its_rate_and_the_rule_of_transfer(tmp_path):
    rules = "    train.transfer: [{rule: mup, base_width: 32}, {rule: none}]\n"
    for text, words in ((SIX, ["none"]), (SIX + rules, ["mup (base_width 32)", "none"])):
        store = make_store(tmp_path / str(len(words)), text)
        for run in store.runs[: len(words)]:
            finish(store, run, row(100, 0.5))
        collect(store)
        for table in tables(store):
            for i, word in enumerate(words):
                config = store.runs[i].record["config"]
                found = table[["width", "depth", "learning_rate"]].iloc[i].tolist()
                model = config["model"]
                assert found == [model["width"], model["depth"], config["train"]["learning_rate"]]
                assert table["transfer"].iloc[i] == word


def test_unfinished_runs_show_their_newest_rows_and_a_torn_line_is_said(tmp_path):
    store = make_store(tmp_path / "s")
    first, second = store.runs[:2]
    end(_with_rows(store, first, 0.5), "preempted")
    claim = _with_rows(store, first, 0.25)
    with (claim.attempt / "measurements.jsonl").open("a") as file:
        file.write('{"horizon": 20')
    end(claim, "preempted")
    attempt(store, first)  # runs now, without any rows yet
    end(_with_rows(store, second, 0.75), "preempted")
    (notice,) = collect(store) or [None]
    assert notice is None, "the torn line of a run at work is not a loss"
    end(_newest(store, first), "preempted")
    (notice,) = collect(store)
    assert "measurements.jsonl: dropped a torn last line of 14 characters" in notice
    table, runs = tables(store)
    assert table["value"].tolist() == [0.25, 0.75]
    assert runs["status"].tolist()[:3] == ["pending"] * 3


def _with_rows(store, run, value):
    claim = attempt(store, run)
    append(claim.attempt, row(100, value))
    return claim


def _newest(store, run):
    from sweeps.store.claims import Claim, numbers

    return Claim(run.directory, numbers(run.directory / "claims")[-1])


def test_samples_of_the_last_step_are_found(tmp_path):
    store = make_store(tmp_path / "s")
    claim = finish(store, store.runs[0], row(100, 0.5))
    (claim.attempt / "samples").mkdir()
    for name in ("50.npz", "200.npz", "100.npz", "300.tmp.npz"):
        (claim.attempt / "samples" / name).touch()
    collect(store)
    path = tables(store)[1]["samples"].iloc[0]
    assert path == f"runs/{store.runs[0].id}/attempts/1/samples/200.npz"
    assert (store.directory / path).exists()


def test_the_table_can_be_deleted_and_is_only_made_when_something_changed(tmp_path):
    store = make_store(tmp_path / "s")
    finish(store, store.runs[0], row(100, 0.5))
    collect(store)
    path = store.directory / "measurements.parquet"
    content, made = path.read_bytes(), path.stat().st_mtime_ns
    collect(store)
    assert path.stat().st_mtime_ns == made
    path.unlink()
    collect(store)
    assert path.read_bytes() == content
    finish(store, store.runs[1], row(100, 0.5))
    collect(store)
    assert len(tables(store)[0]) == 2


def test_thousands_of_runs_are_collected_in_seconds(tmp_path):
    runs, rows = 300, 100
    seeds = ", ".join(map(str, range(runs)))
    text = (
        "data: {source: digits}\nmodel: {rung: 20k, patch_size: 2}\ntrain: {steps: 200}\n"
        f"sweep: {{grid: {{seed: [{seeds}]}}}}\n"
    )
    store = make_store(tmp_path / "s", text)
    measured = [row(100, i / rows, log_snr=float(i)) for i in range(rows)]
    for run in store.runs:
        folder = run.directory / "attempts" / "1"
        folder.mkdir(parents=True)
        append(folder, *measured)
        result = {"status": "finished", "attempt": 1, "step": 200, "reason": None, "seconds": {}}
        (run.directory / "result.json").write_text(json.dumps(result))
    os.sync()
    start = time.perf_counter()
    collect(store)
    assert time.perf_counter() - start < 4.0  # about 0.6 s on a quiet machine
    assert len(tables(store)[0]) == runs * rows
