"""Reading tables: what is refused, what is left out, and that both are said."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import analysis
from analysis import FitSettings, TableError
from analysis.explorer import explore
from tests.analysis.synthetic import write_sweep


def select(path, **choices):
    return analysis.select(analysis.read(path), FitSettings(**choices))


def test_mixed_protocols_are_refused_and_the_field_is_named(tmp_path):
    write_sweep(tmp_path, protocols=("1a2b3c4d", "5e6f7a8b"))
    with pytest.raises(TableError, match=r"examples: 256 against 257"):
        select(tmp_path)


def test_an_unknown_metric_names_the_nearest(sweep):
    with pytest.raises(TableError, match="did you mean 'uniform_loss'"):
        select(sweep, metric="unifrom_loss")


def test_the_first_average_is_preferred_to_raw_weights(sweep):
    assert select(sweep).weights == "ema_0.1"
    assert select(sweep, weights="raw").weights == "raw"


def test_diverged_and_missing_runs_are_listed_with_reasons(tmp_path):
    write_sweep(tmp_path, diverged={(2, 1)})
    runs = pd.read_csv(tmp_path / "runs.csv")
    frame = pd.read_parquet(tmp_path / "measurements.parquet")
    lost, short, infinite = runs["run"][0], runs["run"][2], runs["run"][8]
    runs.loc[0, ["status", "reason"]] = ["failed", "killed by signal 9"]
    runs.to_csv(tmp_path / "runs.csv", index=False)
    frame.loc[(frame["run"] == infinite) & (frame["steps"] == 4000), "value"] = np.inf
    frame = frame[(frame["run"] != lost) & ~((frame["run"] == short) & (frame["steps"] == 4000))]
    frame.to_parquet(tmp_path / "measurements.parquet")
    selection = select(tmp_path)
    reasons = {item.run: item.reason for item in reversed(selection.excluded)}
    assert reasons[runs["run"][5]] == "diverged"
    assert reasons[lost] == "no measurement (failed: killed by signal 9)"
    assert reasons[short] == "not measured at step 4000"
    assert reasons[infinite] == "the value at step 4000 is not a positive number: inf"
    assert not set(reasons) & set(selection.points["run"])


def long_table(path, column, kinds=("a", "b")):
    """Two kinds of value of the same six runs, 1 / N and ten times as much; returns the CSV."""
    frame = pd.DataFrame({"N": np.geomspace(1e3, 1e6, 6)})
    parts = [
        frame.assign(**{column: kind}, loss=10**i / frame["N"] ** 0.5)
        for i, kind in enumerate(kinds)
    ]
    pd.concat(parts).to_csv(path / "long.csv", index=False)
    return path / "long.csv"


@pytest.mark.parametrize("column", ["metric", "split", "weights", "protocol"])
def test_kinds_of_a_foreign_table_are_not_fitted_together(tmp_path, column):
    path = long_table(tmp_path, column)
    with pytest.raises(TableError, match=rf"'{column}' holds rows of several kinds \(a, b\)"):
        select(path)
    with pytest.raises(TableError, match="several kinds"):
        analysis.analyse([analysis.read(path)], FitSettings(bootstrap=0))
    if column != "protocol":
        chosen = select(path, **{column: "b"})
        assert_allclose(chosen.points["value"], 10 / chosen.points["size"] ** 0.5)
        assert not chosen.excluded
        assert getattr(chosen, column) == "b"
        with pytest.raises(TableError, match=f"no rows with {column} 'c'"):
            select(path, **{column: "c"})


def test_one_kind_needs_no_choice_and_numbers_called_weights_are_none(tmp_path):
    assert select(long_table(tmp_path, "split", ("val",))).split == "val"
    assert select(long_table(tmp_path, "split", ("held_out", "train"))).split == "held_out"
    assert select(long_table(tmp_path, "weights", (1.0,))).weights is None
    path = long_table(tmp_path, "metric")
    series = analysis.analyse(
        [analysis.read(path)], FitSettings(bootstrap=0, metric="a", laws=("power",))
    ).series[0]
    (view,) = explore(series)["metrics"]
    assert view["label"].startswith("a")
    (fitted,) = series.fits
    assert fitted.fit and fitted.fit.parameters["A"] == pytest.approx(1, rel=1e-6)


def test_a_foreign_table_is_read_by_its_names_or_a_mapping(tmp_path):
    plain = pd.DataFrame({"N": [1, 2, 3], "loss": [3.0, 2.0, 1.0]})
    plain.to_csv(tmp_path / "a.csv", index=False)
    plain.rename(columns={"N": "width", "loss": "nll"}).to_json(
        tmp_path / "b.jsonl", orient="records", lines=True
    )
    one = select(tmp_path / "a.csv")
    table = analysis.read(tmp_path / "b.jsonl", {"parameters": "width", "value": "nll"})
    two = analysis.select(table, FitSettings())
    assert list(one.points["size"]) == list(two.points["size"]) == [1, 2, 3]
    assert list(one.points["value"]) == list(two.points["value"])
    assert two.metric == "nll"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("width,los\n1,2\n", r"no column is recognised as 'parameters'.*there are: width, los"),
        (
            "N,loss\n1,one\n2,two\n",
            r"as 'value'.*'loss' holds no number; name it",
        ),
        ("N,loss\n1,-2\n2,\n", r"no row can be used; row 1: 'loss' is -2, not positive; row 2: "),
        ("N,loss\n", "no rows"),
        ("", "cannot be read"),
    ],
)
def test_bad_files_are_explained(tmp_path, text, message):
    path = tmp_path / "runs.csv"
    path.write_text(text)
    with pytest.raises(TableError, match=message):
        select(path)


def test_a_truncated_parquet_file_is_explained(sweep, tmp_path):
    whole = (sweep / "measurements.parquet").read_bytes()
    (tmp_path / "measurements.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TableError, match="cannot be read"):
        analysis.read(tmp_path)


def test_a_directory_without_measurements_is_explained(tmp_path):
    with pytest.raises(TableError, match=r"no measurements\.parquet"):
        analysis.read(tmp_path)
