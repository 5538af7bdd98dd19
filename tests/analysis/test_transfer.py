"""Activations over width, and that all evidence of transfer reaches the page and the tables."""

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

import analysis
from analysis.figures import draw
from analysis.line import line
from analysis.outputs import write_all
from analysis.table import Table
from scaling.cli.analysis import report
from tests.analysis.rate_sweeps import RATES, rate_table, without_rates

SLOPES = {"none": {"block 0": 1.0, "prediction": 0.5}, "mup (base_width 32)": {"block 0": 0.0}}


def with_coordinates(table: Table) -> Table:
    """The table and, at both horizons, activations whose slope over width is known."""
    loss = table.frame[table.frame["metric"] == "importance_weighted_loss"]
    made = []
    for transfer, slopes in SLOPES.items():
        rows = loss[loss["transfer"] == transfer]
        for layer, power in slopes.items():
            value = 0.1 * rows["width"] ** power * np.where(rows["steps"] == 300, 1.0, 7.0)
            change = {"metric": f"activation_change/{layer}", "value": value}
            made.append(rows.assign(**change, protocol="1111aaaa", weights="raw"))
            size = {"metric": f"activation/{layer}", "value": 3.0}
            made.append(rows.assign(**size, protocol="1111aaaa", weights="raw"))
    frame = pd.concat([table.frame, *made], ignore_index=True)
    return Table(frame=frame, source=table.source, digest=table.digest, runs=table.runs)


def study(table: Table) -> analysis.Study:
    return analysis.analyse([table], analysis.FitSettings(bootstrap=0, hold_out=0))


def test_a_line_agrees_with_scipy():
    from scipy.stats import linregress

    x, y = np.random.default_rng(0).normal(size=(2, 7))
    ours, theirs = line(x, y), linregress(x, y)
    assert ours.slope == pytest.approx(theirs.slope)
    assert ours.intercept == pytest.approx(theirs.intercept)
    assert ours.standard_error == pytest.approx(theirs.stderr)
    assert line(x[:2], y[:2]).interval(0.95) is None


def test_slopes_over_width_are_the_true_ones_and_leave_the_fits_alone():
    plain = without_rates(rate_table(seeds=2), RATES[2])
    found = study(with_coordinates(plain))
    for series, slopes in zip(found.series, SLOPES.values(), strict=True):
        change = {x.layer: x for x in series.coordinates if x.metric == "activation_change"}
        assert {name: item.slope for name, item in change.items()} == pytest.approx(slopes)
        assert {item.steps for item in change.values()} == {300}
        assert change["block 0"].standard_error == pytest.approx(0, abs=1e-9)
        sizes = [item.slope for item in series.coordinates if item.metric == "activation"]
        assert sizes == pytest.approx([0] * len(slopes))
    for series, same in zip(found.series, study(plain).series, strict=True):
        assert repr(series.fits) == repr(same.fits)  # a nan in them equals no nan
        pd.testing.assert_frame_equal(series.selection.points, same.selection.points)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    directory = tmp_path_factory.mktemp("out")
    write_all(study(with_coordinates(rate_table(rates=RATES[:5]))), directory)
    return directory


def test_one_figure_and_one_table_show_all_series(written):
    for stem in ("learning_rates", "coordinates"):
        assert all((written / f"figures/{stem}.{s}").is_file() for s in ("pdf", "svg", "png"))
        assert all((written / f"tables/{stem}.{s}").is_file() for s in ("tex", "csv", "md"))
    assert "| transfer none | n=32 | 32 |" in (written / "tables/learning_rates.md").read_text()
    slopes = (written / "tables/coordinates.md").read_text()
    assert "| transfer none | block 0 | +1.000 ± 0.000 | +0.000 ± 0.000 |" in slopes
    assert "| edge |" in (written / "tables/rungs_1.md").read_text()
    assert "| swept |" in (written / "tables/rungs_2.md").read_text()


def test_the_page_says_what_is_untuned(written):
    text = (written / "report.html").read_text()
    assert "1 of 4 sizes is untuned: the best learning rate lies at an end of those tried" in text
    assert "the best learning rate moves by at least a factor" in text
    assert "Activations over width" in text


def test_panels_are_series_and_curves_are_rungs_or_layers():
    table = with_coordinates(rate_table())
    rates, layers = (item.figure for item in draw(study(table), ("learning_rates", "coordinates")))
    assert [panel.get_title() for panel in rates.axes] == [f"transfer {name}" for name in SLOPES]
    rungs = rates.axes[0].containers
    np.testing.assert_allclose(rungs[0].lines[0].get_xdata(orig=False), RATES)
    assert len(rungs) == 4
    labels = [curve.get_label() for curve in layers.axes[0].lines]
    assert labels == ["block 0: +1.000 ± 0.000", "prediction: +0.500 ± 0.000"]


@pytest.mark.slow
def test_a_manifest_names_the_sweep_that_tuned_its_rates(tmp_path):
    sweeps = {"rates": rate_table(), "plain": without_rates(rate_table(), RATES[2])}
    for name, table in sweeps.items():
        (tmp_path / name).mkdir()
        table.frame.to_parquet(tmp_path / name / "measurements.parquet")
        table.runs.to_csv(tmp_path / name / "runs.csv", index=False)
    fit = "fit: {rates_from: ../rates, hold_out: 0, bootstrap: 0}\n"
    (tmp_path / "plain" / "manifest.yaml").write_text(fit)
    app = typer.Typer()
    app.command()(report)
    result = CliRunner().invoke(app, [str(tmp_path / "plain")])
    assert result.exit_code == 0, result.output
    assert "swept elsewhere" in (tmp_path / "plain/tables/rungs_2.md").read_text()
    (tmp_path / "plain" / "manifest.yaml").write_text(fit.replace("../rates", "lost"))
    result = CliRunner().invoke(app, [str(tmp_path / "plain")])
    assert result.exit_code == 2
    assert "fit.rates_from: there is neither lost nor" in result.output
