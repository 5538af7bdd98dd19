"""Rates of preference by judges: their section, their laws, and rates of 0 that survive."""

import numpy as np
import pandas as pd
import pytest

from analysis import FitSettings, TableError, analyse, fit
from analysis.explorer import explore
from analysis.figures import draw
from analysis.headline import headline
from analysis.in_depth import in_depth
from analysis.laws.suited import laws_for
from analysis.proxies import proxies_sentences, proxies_sheet
from analysis.report import write_report
from analysis.sample_sheets import sample_metrics_sheet
from analysis.table import read
from tests.analysis.synthetic import write_sweep

LEARNT, MATCH = "win_rate_real_or_generated", "win_rate_caption_match"
TRUTH = {"A": 7.0, "alpha": 0.3}


def rising(size):
    return np.clip(0.5 - TRUTH["A"] * size ** -TRUTH["alpha"], 0, 1)


def rate_sweep(directory, rate=rising, *, pairs=100_000, control=0.48):
    """A sweep with the rates of two judges at the last horizon, one of which never errs."""
    write_sweep(directory, seeds=2)
    frame = pd.read_parquet(directory / "measurements.parquet")
    last = frame[(frame["steps"] == frame["steps"].max()) & (frame["weights"] == "ema_0.1")]
    rows = last[last["metric"] == "uniform_loss"]
    rng = np.random.default_rng(0)
    won = rng.binomial(pairs, rate(rows["parameters_non_embedding"].to_numpy(float))) / pairs
    found = rows.assign(
        metric=MATCH, value=won, standard_error=0.5 / np.sqrt(pairs), count=pairs, protocol="5a5a"
    )
    never = found.assign(metric=LEARNT, value=0.0, standard_error=0.02, protocol="6b6b")
    real = [
        of.assign(weights="real", value=control, standard_error=0.03, protocol=protocol)
        for of, protocol in ((found, "7c7c"), (never, "8d8d"))
    ]
    pd.concat([frame, found, never, *real]).to_parquet(directory / "measurements.parquet")
    return directory


def study_of(directory, **settings):
    return analyse([read(directory)], FitSettings(**{"bootstrap": 100, **settings}))


def test_laws_that_tend_to_one_half_are_fitted_unless_others_are_asked_for(tmp_path):
    study = study_of(rate_sweep(tmp_path), metric=MATCH)
    (series,) = study.series
    assert study.settings.laws == ("preference", "preference_logit", "preference_joint")
    fit = series.fit("preference")
    assert fit is not None
    assert fit.parameters["alpha"] == pytest.approx(TRUTH["alpha"], rel=0.05)
    low, high = fit.intervals["alpha"]
    assert low < TRUTH["alpha"] < high
    assert "preference rate that tends to one half predicts" in headline(series)[1]
    assert "rises from every rung" in headline(series)[1]
    assert laws_for(MATCH, ("power",)) == ("power",)
    assert laws_for("kid", FitSettings.laws) == FitSettings.laws


def in_size_and_steps(directory, kind=MATCH):
    """A rate whose gap falls as 1 N^-0.2 + 4 S^-0.4, measured at every horizon."""
    write_sweep(directory, seeds=2)
    frame = pd.read_parquet(directory / "measurements.parquet")
    rows = frame[(frame["metric"] == "uniform_loss") & (frame["weights"] == "ema_0.1")]
    size, steps = (rows[name].to_numpy(float) for name in ("parameters_non_embedding", "steps"))
    noise = np.random.default_rng(1).normal(0, 1e-4, len(rows))
    rate = 0.5 - size**-0.2 - 4 * steps**-0.4 + noise
    found = rows.assign(metric=kind, value=rate, standard_error=1e-4, protocol="5a5a")
    pd.concat([frame, found]).to_parquet(directory / "measurements.parquet")
    return directory


def test_a_rate_has_a_law_in_size_and_steps(tmp_path):
    study = study_of(in_size_and_steps(tmp_path), metric=MATCH)
    (series,) = study.series
    fit = series.fit("preference_joint")
    assert fit is not None
    assert fit.parameters["alpha"] == pytest.approx(0.2, abs=0.02)
    assert fit.parameters["beta"] == pytest.approx(0.4, abs=0.02)
    low, high = fit.intervals["beta"]
    assert low < 0.4 < high
    held = series.hold_out("preference_joint")
    assert held is not None
    assert held.predictions[0].inside
    assert "steps" in {item.name for item in draw(study, ["steps"])}


def test_a_rate_has_a_law_in_compute_at_each_sizes_horizons(tmp_path):
    """Of one size whose gap falls as 30 C^-0.25 along its training."""
    table = read(in_size_and_steps(tmp_path))
    frame = table.frame[table.frame["metric"] == MATCH].copy()
    frame["value"] = 0.5 - 30 * frame["flops"].astype(float) ** -0.25
    settings = FitSettings(metric=MATCH, bootstrap=0)
    found = fit(frame, law="preference", along="flops", settings=settings)
    assert found.columns == {"x": "flops"}
    assert found.parameters["alpha"] == pytest.approx(0.25, rel=1e-3)


def test_rates_of_0_are_fitted_and_need_no_logarithm(tmp_path):
    """The smallest rungs win nothing, as a weak model does."""
    directory = rate_sweep(tmp_path, lambda size: np.where(size < 5e4, 0, rising(size)), pairs=500)
    (series,) = study_of(directory, metric=MATCH, laws=["preference", "power"]).series
    assert (series.selection.points["value"] == 0).sum() >= 4
    assert not series.selection.excluded
    assert series.fit("preference") is not None
    refused = [item.unsupported for item in series.fits if item.law == "power"]
    assert refused[0] is not None
    assert "fitted to logarithms, and 4 of 12 values are 0" in refused[0]


def test_where_every_rate_is_0_no_law_is_claimed_and_a_report_is_written(tmp_path):
    directory = rate_sweep(tmp_path)
    study = in_depth(study_of(directory, metric=LEARNT))
    verdict, said = headline(study.series[0])
    assert verdict == "unsupported"
    assert "all 12 values are 0" in said
    assert "proxies, not people" in write_report(study, tmp_path / "report.html").read_text()


def test_proxies_have_a_section_of_their_own_that_says_what_they_are(tmp_path):
    study = study_of(rate_sweep(tmp_path))
    (series,) = study.series
    assert "proxies" in {item.name for item in draw(study, ["proxies", "sample_metrics"])}
    assert not sample_metrics_sheet(series).rows
    sheet = proxies_sheet(series)
    assert sheet.headings[-2:] == ("caption match", "real or generated")
    assert sheet.rows[0][-1] == "0.000 [0.000, 0.039]"
    assert sheet.rows[-1][-1] == "0.480 [0.421, 0.539]"
    said = " ".join(proxies_sentences(series))
    assert "These are proxies, not people" in said
    assert "real or generated: it knows the generated image of every pair at every rung" in said
    assert "one half, which lies in the interval" in said
    page = write_report(study, tmp_path / "report.html").read_text()
    assert "Preference (by proxies)" in page
    assert "Sample metrics" not in page


def test_how_often_judges_call_two_images_equal_is_said(tmp_path):
    directory = rate_sweep(tmp_path)
    run = pd.read_parquet(directory / "measurements.parquet")["run"].iloc[0]
    votes = pd.DataFrame({"first": run, "rater": ["caption_match"] * 4 + ["brisque"] * 4,
        "choice": ["tie", "first", "second", "first", *["tie"] * 2, *["first"] * 2]})  # fmt: skip
    votes.to_parquet(directory / "verdicts.parquet")
    (series,) = study_of(directory).series
    assert list(proxies_sentences(series))[-1].endswith("kept: brisque 50%, caption match 25%.")


def test_a_judge_that_prefers_one_of_two_real_images_is_not_to_be_trusted(tmp_path):
    (series,) = study_of(rate_sweep(tmp_path, control=0.7)).series
    assert sum("do not trust" in sentence for sentence in proxies_sentences(series)) == 2


def test_the_explorer_fits_rates_by_laws_that_suit_them(tmp_path):
    study = study_of(rate_sweep(tmp_path))
    shown = {item["label"]: item for item in explore(study.series[0], study.settings)["metrics"]}
    (weights,) = shown["win rate by caption match"]["weights"]
    assert [law["name"] for law in weights["laws"]] == ["preference", "preference_logit"]


def test_a_rate_has_no_floor_that_real_images_reach(tmp_path):
    with pytest.raises(TableError, match=f"{MATCH} has no floor"):
        study_of(rate_sweep(tmp_path), metric=MATCH, floor="control")
