"""Values at the best inference setting stay apart from those at the fixed one, until asked for."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis import FitSettings, TableError, analyse
from analysis import fit as fit_of
from analysis.directory import fingerprint
from analysis.explorer import explore
from analysis.figures import draw
from analysis.in_depth import in_depth
from analysis.inference_sheets import inference_sentences, inference_sheet
from analysis.report import write_report
from analysis.table import read
from tests.analysis.test_sample_metrics import CONTROL, ERROR, TRUTH, kid_sweep

BEST = {"images": "samples", "inference": {"chosen": "least kid", "samples": 500}}
SETTINGS = [f"steps={steps} guidance_scale={scale}" for steps in (8, 32) for scale in (1, 2, 4)]
GAIN = {"alpha": 0.1, "A": 0.5}
"""The best setting is a power of size better than the fixed one, so that its exponent is other."""


def best_of(size):
    return CONTROL + GAIN["A"] * TRUTH["A"] * size ** -(TRUTH["alpha"] + GAIN["alpha"])


def tried_sweep(directory, *, weights=("ema_0.1",)):
    """`kid_sweep` with six settings tried; small rungs choose a scale of 4, large ones of 2."""
    kid_sweep(directory, noise=1e-5)
    path = directory / "measurements.parquet"
    frame = pd.read_parquet(path).assign(inference="", setting="")
    fixed = frame[(frame["metric"] == "kid") & (frame["weights"] == "ema_0.1")]
    parts = [frame]
    sizes = np.sort(fixed["parameters_non_embedding"].unique())
    for number, (_, row) in enumerate(fixed.iterrows()):
        size = row["parameters_non_embedding"]
        chosen = SETTINGS[5 if size < sizes[3] else 4]
        costs = {"": 16.0, chosen: 64.0}
        new = [
            {**row, "inference": "candidate", "setting": name, "protocol": f"c{place}",
             "value": best_of(size) * (1 + 0.3 * abs(place - SETTINGS.index(chosen)))}
            for place, name in enumerate(SETTINGS)
        ]  # fmt: skip
        new.append({**row, "inference": "best", "setting": chosen, "value": best_of(size),
                    "weights": weights[number % len(weights)], "protocol": "8d8d8d8d"})  # fmt: skip
        new += [
            {**row, "metric": "sampling/network_evaluations", "value": cost, "setting": name,
             "standard_error": 0.0, "inference": "best" if name else ""}
            for name, cost in costs.items()
        ]  # fmt: skip
        new += [
            {**item, "metric": "sampling/flops", "value": 100 * item["value"]} for item in new[-2:]
        ]  # fmt: skip
        parts.append(pd.DataFrame(new))
    pd.concat(parts).to_parquet(path)
    known = json.loads((directory / "protocols.json").read_text())
    (directory / "protocols.json").write_text(json.dumps(known | {"8d8d8d8d": BEST}))
    return directory


def study_of(directory, **settings):
    return analyse(
        [read(directory)], FitSettings(**{"bootstrap": 100, "metric": "kid", **settings})
    )


@pytest.mark.slow
def test_tried_settings_change_nothing_of_what_is_said_of_the_fixed_one(tmp_path):
    plain = study_of(kid_sweep(tmp_path / "plain", noise=1e-5))
    tried = study_of(tried_sweep(tmp_path / "tried"))
    pd.testing.assert_frame_equal(
        plain.series[0].selection.points, tried.series[0].selection.points
    )
    assert plain.series[0].fits == tried.series[0].fits
    assert plain.series[0].sample_metrics == tried.series[0].sample_metrics
    assert tried.series[0].table.swept == ()
    first, second = (in_depth(study).series[0] for study in (plain, tried))
    assert first.correlations == second.correlations
    assert explore(first)["metrics"] == explore(second)["metrics"]
    assert plain.series[0].inference is None


def test_a_law_is_fitted_to_the_best_where_asked(tmp_path):
    study = study_of(tried_sweep(tmp_path), inference="best", hold_out=0, floor="control")
    fit = study.series[0].fit("floor")
    assert fit is not None
    assert fit.parameters["alpha"] == pytest.approx(TRUTH["alpha"] + GAIN["alpha"], rel=0.02)
    alone = fit_of(read(tmp_path), law="floor", settings=study.settings)
    assert alone.parameters == fit.parameters
    assert study.series[0].selection.protocol == "8d8d8d8d"
    (found,) = study.series[0].sample_metrics
    assert found.control.value == CONTROL
    assert found.rungs[0].mean.value == pytest.approx(best_of(found.rungs[0].size))
    loss = study_of(tmp_path, inference="fixed", metric="importance_weighted_loss")
    assert loss.series[0].fits


def test_runs_that_chose_different_weights_are_fitted_together(tmp_path):
    directory = tried_sweep(tmp_path, weights=("ema_0.1", "ema_0.05"))
    series = in_depth(study_of(directory, inference="best", hold_out=0)).series[0]
    assert series.selection.weights == "chosen"
    assert series.selection.points["run"].nunique() == 18
    assert series.selection.excluded == ()


def test_each_rung_has_its_choice_with_the_value_at_either_setting(tmp_path):
    series = study_of(tried_sweep(tmp_path)).series[0]
    found = series.inference
    assert found is not None
    assert (found.tried_on, found.metric, found.rule) == (128, "kid", "least kid")
    assert [item.settings for item in found.rungs] == [
        ((SETTINGS[5 if place < 3 else 4], 3),) for place in range(6)
    ]
    for item in found.rungs:
        assert item.evaluations == (16.0, 64.0)
        assert item.flops == (1600.0, 6400.0)
        assert item.best["kid"].value == pytest.approx(best_of(item.size))
        assert item.fixed["kid"].value > item.best["kid"].value
    assert list(found.grid) == SETTINGS
    assert min(found.grid, key=lambda name: found.grid[name].value) == SETTINGS[4]
    sheet = inference_sheet(series)
    assert sheet.headings[3:5] == ("chosen", "by runs")
    assert sheet.rows[0][3:5] == (SETTINGS[5], "100 %")
    assert sheet.headings[-4:-2] == ("evaluations fixed", "evaluations best")
    assert sheet.rows[0][-2:] == ("1.6e+03", "6.4e+03")
    said = " ".join(inference_sentences(series))
    assert "least kid of 6 settings" in said
    assert "other samples" in said
    assert f"The smallest rung chose {SETTINGS[5]}" in said


def test_the_report_has_the_section_and_the_grid(tmp_path):
    study = in_depth(study_of(tried_sweep(tmp_path), floor="control", bootstrap=0))
    assert "inference" in {item.name for item in draw(study)}
    page = write_report(study, tmp_path / "report.html").read_text()
    assert "Inference setting by rung" in page
    assert "E is what real images in the samples&#39; place reach" in page
    assert f"E = {CONTROL:g} ± {ERROR:g}" in page


def test_the_control_s_floor_is_known_with_its_error_and_only_where_there_is_one(tmp_path):
    directory = kid_sweep(tmp_path, noise=1e-5)
    study = study_of(directory, floor="control", hold_out=0)
    known = study_of(directory, known={"E": (CONTROL, ERROR)}, hold_out=0)
    asked = replace(study.settings, known={})
    assert fingerprint(directory, study.asked) == fingerprint(directory, asked)
    assert study.series[0].fit("floor") == known.series[0].fit("floor")
    for wrong, said in [
        ({"metric": "importance_weighted_loss"}, "has no floor that real images reach"),
        ({"known": {"E": 0.1}}, "fit.known gives E too"),
    ]:
        with pytest.raises(TableError, match=said):
            study_of(directory, floor="control", **wrong)
    with pytest.raises(ValueError, match=r"fit\.floor must be fitted or control"):
        FitSettings(floor="real")  # pyright: ignore[reportArgumentType]


def test_asking_for_a_best_that_was_not_tried_says_where_it_would_come_from(tmp_path):
    with pytest.raises(TableError, match=r"measure\.distances\.inference"):
        study_of(kid_sweep(tmp_path), inference="best")


def test_a_csv_of_a_sweep_s_table_reads_alike(tmp_path):
    directory = tried_sweep(tmp_path / "sweep")
    frame = pd.read_parquet(directory / "measurements.parquet")
    frame.to_csv(tmp_path / "table.csv", index=False)
    from_csv, from_sweep = read(tmp_path / "table.csv"), read(directory)
    assert len(from_csv.frame) == len(from_sweep.frame)
    assert len(from_csv.tried) == len(from_sweep.tried)
    assert "inference" not in from_csv.frame
