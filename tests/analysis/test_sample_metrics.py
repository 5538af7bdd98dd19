"""Distances of samples: their table, their floor, laws of them, and values that no law can take."""

import json

import numpy as np
import pandas as pd
import pytest

from analysis import FitSettings, TableError, analyse
from analysis.explorer import explore
from analysis.figures import draw
from analysis.in_depth import in_depth
from analysis.report import write_report
from analysis.sample_sheets import control_of, sample_metrics_sheet, sentences
from analysis.table import read
from tests.analysis.synthetic import write_sweep

CONTROL, ERROR = 0.004, 0.001
TRUTH = {"A": 6.0, "alpha": 0.5}
PROTOCOLS = {
    "5a5a5a5a": {"images": "samples", "sampling": {"guidance_scale": 1.0, "steps": 16}},
    "6b6b6b6b": {"images": "samples", "sampling": {"guidance_scale": 2.0, "steps": 16}},
    "7c7c7c7c": {"images": "training"},
}


def kid_sweep(directory, *, noise=1e-4, shift=0.0, protocols=("5a5a5a5a",), seeds=3):
    """A sweep with a kid that falls to the control as a power of size, all at the last horizon."""
    write_sweep(directory, seeds=seeds)
    frame = pd.read_parquet(directory / "measurements.parquet")
    last = frame[(frame["steps"] == frame["steps"].max()) & (frame["weights"] == "ema_0.1")]
    rows = last[(last["metric"] == "uniform_loss")].copy()
    rng = np.random.default_rng(0)
    size = rows["parameters_non_embedding"].to_numpy(float)
    truth = CONTROL + TRUTH["A"] * size ** -TRUTH["alpha"] - shift
    rows = rows.assign(
        metric="kid",
        value=truth + noise * rng.normal(size=len(rows)),
        standard_error=ERROR,
        count=128,
        protocol=[protocols[i % len(protocols)] for i in range(len(rows))],
    )
    real = rows.assign(weights="real", value=CONTROL, standard_error=ERROR, protocol="7c7c7c7c")
    pd.concat([frame, rows, real]).to_parquet(directory / "measurements.parquet")
    known = json.loads((directory / "protocols.json").read_text())
    (directory / "protocols.json").write_text(json.dumps(known | PROTOCOLS))
    return directory


def study_of(directory, **settings):
    return analyse([read(directory)], FitSettings(**{"bootstrap": 100, **settings}))


def test_every_rung_and_the_control_have_a_value_with_its_interval(tmp_path):
    (series,) = study_of(kid_sweep(tmp_path)).series
    (found,) = series.sample_metrics
    assert (found.metric, found.weights, found.samples) == ("kid", "ema_0.1", 128)
    assert [item.runs for item in found.rungs] == [3] * 6
    for item in found.rungs:
        truth = CONTROL + TRUTH["A"] * item.size ** -TRUTH["alpha"]
        assert item.mean.low < truth < item.mean.high
        assert 1.9 * ERROR < item.mean.high - item.mean.value < 2.2 * ERROR
    assert found.control.value == CONTROL
    assert found.reached == ()
    sheet = sample_metrics_sheet(series)
    assert sheet.headings == ("rung", "parameters", "runs", "kid")
    assert sheet.rows[-1] == ("real images", "", "", "0.0040 [0.0020, 0.0060]")


def test_a_law_of_kid_finds_the_floor_that_the_control_measured(tmp_path):
    study = study_of(kid_sweep(tmp_path, noise=1e-5), metric="kid", hold_out=0)
    (series,) = study.series
    fit = series.fit("floor")
    assert fit is not None
    assert fit.parameters["E"] == pytest.approx(CONTROL, rel=0.03)
    assert fit.parameters["alpha"] == pytest.approx(TRUTH["alpha"], rel=0.02)
    control = control_of(series)
    assert control is not None
    known = study_of(
        tmp_path, metric="kid", hold_out=0, known={"E": (control.value, control.error)}
    )
    fit = known.series[0].fit("floor")
    assert fit is not None
    assert fit.parameters["E"] == CONTROL
    low, high = fit.intervals["alpha"]
    assert low < TRUTH["alpha"] < high


def test_the_report_draws_the_control_and_says_how_to_take_it_for_the_floor(tmp_path):
    study = in_depth(study_of(kid_sweep(tmp_path), metric="kid"))
    assert "sample_metrics" in {item.name for item in draw(study)}
    page = write_report(study, tmp_path / "report.html").read_text()
    assert "Sample metrics" in page
    assert "0.0040 [0.0020, 0.0060]" in page
    assert "known: {E: [0.004, 0.001]}" in page
    pairs = {(item.first, item.second) for item in study.series[0].correlations}
    assert ("importance_weighted_loss", "kid") in pairs
    shown = explore(study.series[0])["metrics"]
    (weights,) = (item["weights"] for item in shown if item["label"].startswith("KID"))
    assert [item["name"] for item in weights] == ["ema_0.1"]


def test_the_report_says_how_much_no_frechet_distance_sees(tmp_path):
    """w6 does not differ from real images beyond noise, as these do not from others."""
    frame = pd.read_parquet(kid_sweep(tmp_path) / "measurements.parquet")
    rows = frame[frame["metric"] == "kid"].copy()
    shares = {f"w{i}": 0.5 - 0.1 * i for i in range(1, 6)} | {"w6": np.nan}
    ours = rows["rung"].map(shares).where(rows["weights"] != "real", np.nan)
    error = ours.notna() * 0.02
    rows = rows.assign(metric="beyond_gaussian", value=ours, standard_error=error)
    pd.concat([frame, rows]).to_parquet(tmp_path / "measurements.parquet")
    study = study_of(tmp_path)
    page = write_report(study, tmp_path / "report.html").read_text()
    told = "w1 40 % [36, 44], w2 30 % [26, 34], w3 20 % [16, 24], w4 10 % [6, 14], w5 0 % [0, 4]."
    assert (
        f"where a Frechet distance is blind: {told} w6: no difference there beyond noise." in page
    )
    sheet = sample_metrics_sheet(study.series[0])
    assert sheet.headings[3:] == ("beyond_gaussian", "kid")
    assert sheet.rows[-1][3:] == ("", "0.0040 [0.0020, 0.0060]")
    assert "sample_metrics" in {item.name for item in draw(study)}
    with pytest.raises(TableError, match="beyond_gaussian has no floor that real images reach"):
        study_of(tmp_path, metric="beyond_gaussian", floor="control")


def test_kid_below_zero_is_left_out_with_its_value_and_is_in_the_table_all_the_same(tmp_path):
    """A small distance is below zero by chance; that must neither stop a fit nor go unsaid."""
    directory = kid_sweep(tmp_path, noise=0.004, shift=2.5 * CONTROL)
    (series,) = study_of(directory, metric="kid").series
    frame = read(directory).frame
    ours = frame[(frame["metric"] == "kid") & (frame["weights"] == "ema_0.1")]
    below = set(ours[ours["value"] <= 0]["run"].astype(str))
    assert below
    reasons = {item.run: item.reason for item in series.selection.excluded}
    assert set(reasons) == below
    assert all("is not a positive number: -" in reason for reason in reasons.values())
    assert f"{len(below)} of 18 runs have a kid that is not positive" in series.selection.notes[-1]
    assert [item.runs for item in series.sample_metrics[0].rungs] == [3] * 6
    assert series.sample_metrics[0].reached
    assert any(text.startswith("kid: 128 samples cannot tell w") for text in sentences(series))
    known = json.loads((directory / "protocols.json").read_text())
    known["5a5a5a5a"]["repeats"] = 3
    (directory / "protocols.json").write_text(json.dumps(known))
    (series,) = study_of(directory, metric="kid").series
    assert any("kid: 3 sets of 128 samples cannot tell w" in text for text in sentences(series))


def test_all_below_zero_is_refused_with_the_reason(tmp_path):
    directory = kid_sweep(tmp_path, shift=1.0)
    with pytest.raises(TableError, match=r"18 runs|not a positive number"):
        study_of(directory, metric="kid")
    (series,) = study_of(directory).series
    assert len(series.sample_metrics[0].rungs) == 6


def test_values_of_two_protocols_are_refused_with_the_field_that_differs(tmp_path):
    directory = kid_sweep(tmp_path, protocols=("5a5a5a5a", "6b6b6b6b"))
    with pytest.raises(TableError, match=r"sampling.guidance_scale: 1.0 against 2.0"):
        study_of(directory, metric="kid")


def test_a_sweep_without_samples_has_no_section(tmp_path):
    write_sweep(tmp_path)
    study = study_of(tmp_path)
    assert study.series[0].sample_metrics == ()
    assert "Sample metrics" not in write_report(study, tmp_path / "report.html").read_text()
