"""`scaling fit|plot|table|report` on a foreign table, and what they import."""

import json
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from scaling.cli import analysis as commands
from tests.analysis.synthetic import law, write_sweep

RUNNER = CliRunner()


@pytest.fixture
def runs(tmp_path):
    path = tmp_path / "runs.csv"
    sizes = [1e4, 2.5e4, 6.3e4, 1.6e5, 4e5, 1e6]
    path.write_text("N,loss\n" + "".join(f"{n},{law(n, 4000)}\n" for n in sizes))
    return path


def call(command, *arguments):
    app = typer.Typer()
    app.command()(command)
    return RUNNER.invoke(app, [str(argument) for argument in arguments])


def test_fit_prints_json_for_machines(runs):
    result = call(commands.fit, runs, "--json", "--bootstrap", 100)
    assert result.exit_code == 0
    (series,) = json.loads(result.stdout)["series"]
    floor = next(item["fit"] for item in series["fits"] if item["law"] == "floor")
    assert floor["parameters"]["alpha"] == pytest.approx(0.35, rel=1e-6)


def test_fit_prints_a_sentence_for_people(runs):
    result = call(commands.fit, runs, "--bootstrap", 100)
    assert result.exit_code == 0
    assert "The law holds as far as it was tested" in result.stdout


def test_a_wrong_column_ends_with_status_2_and_a_reason(runs):
    result = call(commands.fit, runs, "--columns", "parameters=M")
    assert result.exit_code == 2
    assert "no column 'M'" in result.stderr
    assert "N, loss" in result.stderr


@pytest.mark.slow
def test_tables_are_compared_under_names_that_tell_them_apart(tmp_path):
    paths = []
    for name, better in (("old", 1.0), ("new", 2.0)):
        (tmp_path / name).mkdir()
        paths.append(tmp_path / name / "runs.csv")
        rows = [f"{n},{law(better * n, 4000)},{6 * n}\n" for n in (1e4, 4e4, 1.6e5, 6.4e5, 2.6e6)]
        paths[-1].write_text("N,loss,flops\n" + "".join(rows))
    assert "say with -o" in call(commands.table, *paths).stderr
    assert "is given twice" in call(commands.table, paths[0], paths[0], "-o", tmp_path).stderr
    result = call(commands.report, *paths, "-o", tmp_path / "both", "--hold-out", 0)
    assert result.exit_code == 0, result.output
    assert "new/runs.csv: " in result.stdout
    assert "2 [2, 2] times the training FLOPs" in result.stdout
    assert (tmp_path / "both" / "tables" / "fits_2.csv").is_file()


def test_manifests_that_set_the_fit_differently_are_refused_unless_an_option_decides(tmp_path):
    paths = [write_sweep(tmp_path / name, rungs=4, seeds=1) for name in ("a", "b")]
    for path, count in zip(paths, (0, 1), strict=True):
        (path / "manifest.yaml").write_text(
            f"fit: {{hold_out: {count}, bootstrap: 0, laws: [power]}}\n"
        )
    result = call(commands.table, *paths, "-o", tmp_path)
    assert result.exit_code == 2
    assert "differ in fit.hold_out (0; 1)" in result.stderr
    assert call(commands.table, *paths, "-o", tmp_path, "--hold-out", 0).exit_code == 0
    compared = (tmp_path / "tables" / "comparisons.csv").read_text()
    assert "b,a,all," in compared
    assert not (paths[0] / "answer.json").exists()


def test_any_law_can_be_fitted_by_its_name(runs):
    result = call(commands.fit, runs, "--law", "shifted", "--json", "--bootstrap", 0)
    assert result.exit_code == 0, result.output
    (series,) = json.loads(result.stdout)["series"]
    assert {item["law"] for item in series["fits"]} == {"shifted"}
    assert set(series["fits"][0]["fit"]["parameters"]) == {"A", "alpha", "x0"}
    assert "metric_to_metric" in call(commands.laws).stdout
    assert r"E + A\,x^{-\alpha}" in call(commands.laws, "--latex").stdout
    wrong = call(commands.fit, runs, "--law", "jiont")
    assert wrong.exit_code == 2
    assert "did you mean 'joint'?" in wrong.stderr


def test_intervals_come_from_what_is_asked_for(runs):
    ends = {}
    for kind in ("bootstrap", "profile", "delta"):
        result = call(
            commands.fit, runs, "--json", "--bootstrap", 100, "--law", "power", "--intervals", kind
        )
        assert result.exit_code == 0, result.output
        (series,) = json.loads(result.stdout)["series"]
        fit = series["fits"][0]["fit"]
        assert fit["intervals_by"] == kind
        ends[kind] = tuple(fit["intervals"]["alpha"])
    assert len(set(ends.values())) == 3
    wrong = call(commands.fit, runs, "--intervals", "wald")
    assert wrong.exit_code == 2
    assert "fit.intervals must be bootstrap, profile or delta, not 'wald'" in wrong.stderr


def test_any_setting_of_a_manifest_can_be_set(runs):
    pairs = ("loss=squares", "residuals=linear", "known={alpha: [0.35, 0.01]}", "known.E=0.3")
    options = [text for pair in pairs for text in ("--set", pair)]
    result = call(commands.fit, runs, "--json", "--bootstrap", 100, "--law", "floor", *options)
    assert result.exit_code == 0, result.output
    study = json.loads(result.stdout)
    expected = {
        "loss": "squares",
        "residuals": "linear",
        "known": {"alpha": [0.35, 0.01], "E": 0.3},
    }
    assert study["settings"] == study["settings"] | expected
    assert study["series"][0]["fits"][0]["fit"]["known"] == ["alpha", "E"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["los=squares"], "--set los: unknown key; did you mean 'loss'?"),
        (["loss=square"], "--set loss: must be 'huber' or 'squares', not 'square'"),
        (["known.E=high"], "--set known.E"),
        (["confidence=1.5"], "--set confidence: must be less than 1"),
        (["loss"], "--set wants KEY=VALUE, as in 'loss=squares'"),
        (["loss=[squares"], "--set loss: not valid YAML"),
        (["known={E: 1, E: 2}"], "--set known: "),
        (["loss=squares", "--set", "loss=huber"], "--set names 'loss' twice"),
        (["bootstrap=100", "--bootstrap", "200"], "--set bootstrap and --bootstrap say the same"),
        (["laws=[power]", "--law", "power"], "--set laws and --law say the same"),
    ],
)
def test_a_wrong_setting_is_told_the_right_one(runs, options, said):
    result = call(commands.fit, runs, "--set", *options)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_law_says_which_columns_it_lacks(runs):
    result = call(commands.fit, runs, "--law", "repeated", "--bootstrap", 0)
    assert "needs the columns size, data, unique_data; the table has no data" in result.stdout


def test_report_of_a_foreign_table_writes_beside_it(runs):
    result = call(commands.report, runs)
    assert result.exit_code == 0, result.output
    assert (runs.parent / "runs-scaling" / "report.html").is_file()


def test_the_analysis_room_is_light():
    """`import analysis` loads no library; a fit loads neither jax, scipy nor matplotlib."""
    code = (
        "import sys, analysis; assert not {'numpy', 'pandas'} & set(sys.modules);"
        "import analysis.study, analysis.headline;"
        "heavy = {'jax', 'scipy', 'matplotlib', 'jinja2', 'models', 'scaling', 'sweeps'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
