"""Laws along something other than size: what is fitted to which rows, and what is refused."""

import json

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis import FitSettings, TableError, Unsupported, analyse, from_frame, read
from scaling.cli import analysis as commands
from tests.analysis.synthetic import write_sweep
from tests.analysis.test_command import call

LOSS = "importance_weighted_loss"
SETTINGS = FitSettings(bootstrap=0, hold_out=0)


def with_kid(directory, of_loss, *, last_only=False):
    """A sweep whose KID is a function of the loss of the same run and step."""
    write_sweep(directory, seeds=1, noise=0.0)
    path = directory / "measurements.parquet"
    frame = pd.read_parquet(path)
    kid = frame[(frame["metric"] == LOSS) & (frame["split"] == "held_out")]
    kid = kid.assign(metric="kid", value=of_loss(kid["value"]), protocol="2b3c4d5e")
    kid = kid[kid["steps"] == kid["steps"].max()] if last_only else kid
    pd.concat([frame, kid]).to_parquet(path)
    return directory


def of_loss(loss):
    return 0.02 + 0.4 * (loss - 0.25) ** 1.7


def parameters(result):
    assert result.exit_code == 0, result.output
    (series,) = json.loads(result.stdout)["series"]
    return {item["law"]: item["fit"]["parameters"] for item in series["fits"] if item["fit"]}


def test_how_one_metric_follows_another_at_every_run_and_horizon(tmp_path):
    """It is what is fitted along a metric where no law is chosen, and by the name of the law."""
    with_kid(tmp_path, of_loss)
    asked = (tmp_path, "--json", "--metric", "kid", "--along", LOSS, "--bootstrap", 0)
    by_default = parameters(call(commands.fit, *asked))
    found = by_default.pop("metric_to_metric")
    assert not by_default
    assert found == pytest.approx({"E": 0.02, "K": 0.4, "kappa": 1.7, "E0": 0.25}, rel=1e-3)
    named = parameters(call(commands.fit, *asked, "--law", "metric_to_metric"))
    assert named["metric_to_metric"] == found
    fit = analysis.fit(
        read(tmp_path),
        law="metric_to_metric",
        along=LOSS,
        settings=FitSettings(metric="kid", bootstrap=0),
    )
    assert fit.parameters == found
    assert (fit.points, fit.columns) == (36, {"x": LOSS})


def test_the_largest_rungs_metric_is_predicted_from_its_loss(tmp_path):
    with_kid(tmp_path, of_loss)
    settings = FitSettings(metric="kid", bootstrap=100)
    (series,) = analyse([read(tmp_path)], settings, LOSS).series
    (prediction,) = series.hold_outs[0].predictions
    assert prediction.predicted == pytest.approx(prediction.measured, rel=1e-3)
    assert prediction.rung == "w6"


def test_horizons_without_the_metric_are_left_out_and_counted(tmp_path):
    with_kid(tmp_path, of_loss, last_only=True)
    (series,) = analyse([read(tmp_path)], SETTINGS, "kid").series
    fit = series.fit("metric_to_metric")
    assert fit is not None
    assert fit.points == 6
    assert "30 of 36 points have no positive kid and are left out" in series.selection.notes


def test_a_law_of_one_metric_in_another_is_refused_along_size(tmp_path):
    with_kid(tmp_path, of_loss)
    result = call(commands.fit, tmp_path, "--metric", "kid", "--law", "metric_to_metric")
    assert "no law in size: say which metric it is in, with --along METRIC" in " ".join(
        result.stdout.split()
    )
    with pytest.raises(Unsupported, match="no law in flops"):
        analysis.fit(read(tmp_path), law="metric_to_metric", along="flops", settings=SETTINGS)


def table(of_end):
    """Four horizons of six sizes; what is measured at the last of each run obeys the law."""
    rows = [
        {"N": size, "S": steps, "C": 6 * size * steps, "loss": of_end(6 * size * 4000)}
        for size in np.geomspace(1e4, 1e6, 6)
        for steps in (500, 1000, 2000, 4000)
    ]
    frame = pd.DataFrame(rows)
    return frame.assign(loss=frame["loss"] * np.where(frame["S"] < 4000, 1.3, 1.0))


def of_compute(flops):
    return 0.3 + 50 * flops**-0.3


def test_along_compute_each_run_counts_by_its_end(tmp_path):
    """A run at half its steps is not what its compute so far could have bought."""
    path = tmp_path / "runs.csv"
    table(of_compute).to_csv(path, index=False)
    asked = (
        path,
        "--json",
        "--bootstrap",
        0,
        "--columns",
        "parameters=N,value=loss,steps=S,flops=C",
    )
    found = parameters(call(commands.fit, *asked, "--along", "flops"))
    assert found["floor"] == pytest.approx({"E": 0.3, "A": 50, "alpha": 0.3}, rel=1e-4)
    assert set(found) == {"power", "floor"}
    as_size = parameters(call(commands.fit, *asked, "--size", "flops", "--law", "floor"))
    assert as_size["floor"] == pytest.approx(found["floor"], rel=1e-9)


def test_along_any_column_of_a_foreign_table():
    frame = table(of_compute).assign(
        images=lambda rows: rows["S"] * 8.0, width=lambda rows: rows["N"] ** 0.5
    )
    columns = {"parameters": "N", "value": "loss", "steps": "S", "flops": "C"}
    found = {
        along: analysis.fit(frame, law="power", along=along, columns=columns, settings=SETTINGS)
        for along in ("size", "width", "images")
    }
    assert found["width"].parameters["alpha"] == pytest.approx(
        2 * found["size"].parameters["alpha"]
    )
    assert (found["width"].points, found["images"].points) == (6, 24)


@pytest.mark.parametrize(
    ("along", "laws", "error", "said"),
    [
        ("flop", ("power",), TableError, "nothing called 'flop'; did you mean 'flops'?"),
        ("value", ("power",), TableError, "nothing called 'value'"),
        ("flops", ("joint",), ValueError, "joint: in several variables"),
    ],
)
def test_what_cannot_be_is_refused_with_what_could(along, laws, error, said):
    frame = table(of_compute).rename(columns={"C": "flops"})
    settings = FitSettings(laws=laws, bootstrap=0)
    with pytest.raises(error, match=said):
        analyse([from_frame(frame)], settings, along)
