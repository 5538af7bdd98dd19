"""`scaling preference`, and people's votes among a sweep's measurements."""

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import analysis
from scaling.cli.app import app
from scaling.measure.rows import protocol_hash
from tests.analysis.population import population, true_rate

SIZES = {"a": 1e4, "b": 5e4, "c": 2e5, "d": 8e5}
LEVEL, ALPHA = 2.0, 0.2


@pytest.fixture
def sweep(tmp_path):
    """A directory with four finished runs, and people's votes by a law: 1/2 - 2 N^-0.2."""
    frame = pd.DataFrame([
        {"run": run, "rung": f"rung {run}", "seed": 0, "parameters": int(size),
         "parameters_non_embedding": int(size), "steps": steps,
         "images": steps, "flops": float(steps) * size, "status": "finished", "weights": weights,
         "split": "held_out", "metric": "importance_weighted_loss", "log_snr": np.nan,
         "value": 1 + size**-0.3, "standard_error": 0.001, "count": 10, "protocol": "p"}
        for run, size in SIZES.items() for steps in (100, 200) for weights in ("raw", "ema_0.1")
    ])  # fmt: skip
    frame.to_parquet(tmp_path / "measurements.parquet")
    rates = {run: 0.5 - LEVEL * size**-ALPHA for run, size in SIZES.items()}
    utilities = {run: float(np.log(rate / (1 - rate))) for run, rate in rates.items()}
    assert true_rate(utilities["a"], -9.0) == pytest.approx(rates["a"], abs=0.01)
    votes = population(utilities, prompts=300, raters=5, tie=-9.0)
    with (tmp_path / "votes.jsonl").open("w") as file:
        for number, row in enumerate(votes.to_dict("records")):
            told = {"vote": str(number), "prompt": row["prompt_id"], "at": "", "protocol": "q",
                    "seconds": 1.0}  # fmt: skip
            file.write(json.dumps({**told, **row}) + "\n")
    return tmp_path


def asked(sweep, protocols):
    """Votes of each kind of pair are on what `protocols` say of it, by kind and first run."""
    rows = [json.loads(line) for line in (sweep / "votes.jsonl").read_text().splitlines()]
    told = {}
    for row in rows:
        protocol = protocols(row["kind"], row["first"])
        row["protocol"] = protocol_hash(protocol)
        told[row["protocol"]] = protocol
    (sweep / "votes.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (sweep / "preference").mkdir()
    (sweep / "preference" / "protocols.json").write_text(json.dumps(told))


def of_samples(*seeds):
    return {"question": "Which?", "samples": [{"weights": "ema_0.1", "seed": s} for s in seeds]}


def say(*arguments, status=0):
    result = CliRunner().invoke(app, ["preference", *map(str, arguments)])
    assert result.exit_code == status, result.output
    return result.output


def test_it_prints_rates_by_run_and_raters(sweep):
    said = say(sweep)
    assert said.index("rung a") < said.index("rung d")
    assert "Preference by people" in said and "rater 4" in said and "alpha" in said


def test_a_rater_is_left_out_only_by_name_and_aloud(sweep):
    said = say(sweep, "--without", "rater 1")
    assert "left out: rater 1" in said and "| 1200 |" in said
    assert "there are rater 0" in say(sweep, "--without", "nobody", status=2)


def test_a_law_is_fitted_to_peoples_votes(sweep):
    """The exponent that the votes were drawn by lies in its interval."""
    table = analysis.read(sweep)
    found = table.frame[table.frame["metric"] == "win_rate_people"]
    assert set(found["run"]) == set(SIZES) and (found["steps"] == 200).all()
    assert (found["weights"] == "ema_0.1").all() and (found["standard_error"] > 0).all()
    settings = analysis.FitSettings(
        metric="win_rate_people", bootstrap=200, weighting="standard_error"
    )
    low, high = analysis.fit(table, law="preference", settings=settings).intervals["alpha"]
    assert low <= ALPHA <= high


def test_pairs_of_two_runs_leave_the_law_of_peoples_rates_as_it_is(sweep):
    before = analysis.read(sweep).frame
    rows = [json.loads(line) for line in (sweep / "votes.jsonl").read_text().splitlines()]
    with (sweep / "votes.jsonl").open("a") as file:
        for k, row in enumerate(rows[:40]):
            about = {"vote": f"m{k}", "pair": f"m{k}", "kind": "models", "second": "d"}
            file.write(json.dumps({**row, **about}) + "\n")
    asked(sweep, lambda kind, _: of_samples(0) if kind == "generated_real" else of_samples(0, 0))
    table = analysis.read(sweep)
    found, old = (t[t["metric"] == "win_rate_people"] for t in (table.frame, before))
    assert found["protocol"].nunique() == 1
    assert found["value"].tolist() == old["value"].tolist()
    settings = analysis.FitSettings(metric="win_rate_people", bootstrap=0)
    assert analysis.fit(table, law="preference", settings=settings).points == 4


def test_votes_on_images_that_were_drawn_otherwise_are_not_fitted_together(sweep):
    asked(sweep, lambda _, run: of_samples(int(run == "a")))
    settings = analysis.FitSettings(metric="win_rate_people", bootstrap=0)
    with pytest.raises(analysis.TableError, match=r"they differ in seed: [01] against [01]"):
        analysis.fit(analysis.read(sweep), law="preference", settings=settings)


def test_the_floor_of_a_run_without_averages_is_not_taken_for_its_weights(sweep):
    path = sweep / "measurements.parquet"
    frame = pd.read_parquet(path).query("weights == 'raw'")
    floors = frame.groupby("run").head(1).assign(weights="optimal", split="train")
    pd.concat([floors, frame]).to_parquet(path)
    found = analysis.read(sweep).frame.query("metric == 'win_rate_people'")
    assert set(found["weights"]) == {"raw"}


def test_a_directory_without_votes_is_told_how_to_get_some(sweep):
    (sweep / "votes.jsonl").unlink()
    assert "scaling annotate" in say(sweep, status=2)


def test_the_report_says_what_people_prefer(sweep):
    from analysis.figures import draw
    from analysis.report import render

    study = analysis.analyse(
        [analysis.read(sweep)], analysis.FitSettings(bootstrap=0, laws=("power",))
    )
    page = render(study, "t", draw(study, ["size"]))
    assert "What people prefer" in page and "rater 4" in page and "win rate by people" in page
