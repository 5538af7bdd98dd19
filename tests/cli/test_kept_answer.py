"""`scaling fit` on a sweep whose answer is kept: said again at once, and never when it is stale."""

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import analysis.directory
import analysis.study
from scaling.cli.answer import answer, keep
from scaling.cli.app import app
from scaling.cli.fit_settings import settings
from tests.analysis.synthetic import write_sweep
from tests.cli.test_commands import HEAVY, imported


@pytest.fixture
def sweep(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_sweep(tmp_path / "s")
    Path("s/manifest.yaml").write_text("fit: {bootstrap: 100}\n")
    return Path("s")


@pytest.fixture
def fitted(monkeypatch):
    """Whether the last command fitted anything, and what it said."""
    fits = []
    real = analysis.study.analyse
    monkeypatch.setattr(analysis, "analyse", lambda *a: (fits.append(1), real(*a))[1])

    def call(*arguments):
        fits.clear()
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert result.exit_code == 0, result.output
        return bool(fits), result.stdout

    return call


def test_an_unchanged_sweep_is_answered_at_once_and_alike(sweep, fitted):
    anew, first = fitted("fit", sweep)
    again, second = fitted("fit", sweep)
    assert (anew, again) == (True, False)
    assert second == first
    assert "predicts" in first
    assert not imported("fit", sweep) & (HEAVY | {"numpy"})


def test_the_kept_answer_is_laid_out_for_the_terminal_at_hand(sweep, fitted, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    _, wide = fitted("fit", sweep)
    monkeypatch.setenv("COLUMNS", "60")
    anew, narrow = fitted("fit", sweep)
    assert not anew
    assert max(map(len, narrow.splitlines())) <= 60 < max(map(len, wide.splitlines()))


def test_machines_get_the_kept_fits(sweep, fitted):
    said = [fitted("fit", sweep, "--json") for _ in range(2)]
    assert said == [(True, Path("s/fits.json").read_text()), (False, said[0][1])]


def _measure_again(sweep):
    frame = pd.read_parquet(sweep / "measurements.parquet")
    frame.assign(value=frame["value"] * 1.01).to_parquet(sweep / "measurements.parquet")


CHANGES = {
    "a measurement": _measure_again,
    "a run's record": lambda s: (s / "runs.csv").write_text(
        (s / "runs.csv").read_text().replace("finished", "ended", 1)
    ),
    "a setting": lambda s: (s / "manifest.yaml").write_text("fit: {bootstrap: 200}\n"),
    "fits.json": lambda s: (s / "fits.json").write_text("{}\n"),
    "no fits.json": lambda s: (s / "fits.json").unlink(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_an_answer_hangs_on_makes_it_stale(sweep, fitted, change):
    fitted("fit", sweep)
    CHANGES[change](sweep)
    anew, said = fitted("fit", sweep)
    assert anew
    assert (False, said) == fitted("fit", sweep)


def test_other_code_makes_it_stale(sweep, fitted, monkeypatch):
    code = Path("code").resolve()
    code.mkdir()
    (code / "laws.py").write_text("A = 1\n")
    monkeypatch.setattr(analysis.directory, "__file__", str(code / "directory.py"))
    assert [fitted("fit", sweep)[0] for _ in range(2)] == [True, False]
    (code / "laws.py").write_text("A = 10\n")
    assert fitted("fit", sweep)[0]


def test_a_law_in_a_file_makes_it_stale(sweep, fitted):
    file = Path("mine.py").resolve()
    content = "from analysis import LAWS\nFLAT = LAWS['power']\n"
    file.write_text(content)
    (sweep / "manifest.yaml").write_text(f"fit: {{bootstrap: 0, laws: ['{file}:FLAT']}}\n")
    assert [fitted("fit", sweep)[0] for _ in range(2)] == [True, False]
    file.write_text(content + "# another\n")
    assert fitted("fit", sweep)[0]


def test_votes_make_it_stale_and_belong_to_it(sweep, fitted):
    run = pd.read_parquet(sweep / "measurements.parquet")["run"].iloc[0]
    vote = {"vote": "1", "pair": "p", "kind": "generated_real", "prompt": "a", "prompt_id": "1",
            "first": run, "second": "real", "left": "first", "choice": "first", "rater": "r",
            "rater_kind": "human", "at": "", "seconds": 1.0, "protocol": ""}  # fmt: skip
    assert fitted("fit", sweep)[0]
    (sweep / "votes.jsonl").write_text(json.dumps(vote) + "\n")
    assert [fitted("fit", sweep)[0] for _ in range(2)] == [True, False]


def test_another_choice_is_another_answer(sweep, fitted):
    _, usual = fitted("fit", sweep)
    anew, other = fitted("fit", sweep, "--hold-out", 2)
    assert anew
    assert other != usual
    assert fitted("fit", sweep) == (True, usual)


def test_the_study_of_another_table_is_no_answer_of_a_sweep(sweep, fitted, tmp_path):
    write_sweep(tmp_path / "other", seed=1)
    study = analysis.analyse([analysis.read("other")], settings(sweep))
    assert keep(sweep, study) == answer(study)
    assert not (sweep / "answer.json").exists()
    assert fitted("fit", sweep)[0]
