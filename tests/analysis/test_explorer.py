"""What the report's explorer is given: the table's values, the study's laws, and safe JSON."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.explorer import as_json, explore, others
from analysis.headline import parameters_in_words
from analysis.report import STYLES
from tests.analysis.synthetic import write_sweep

SETTINGS = analysis.FitSettings(bootstrap=100)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return analysis.read(write_sweep(tmp_path_factory.mktemp("x"), diverged=[(2, 1)]))


@pytest.fixture(scope="module")
def series(table):
    return analysis.analyse([table], SETTINGS).series[0]


@pytest.fixture(scope="module")
def data(series):
    return json.loads(json.dumps(explore(series, SETTINGS), allow_nan=False))


def laws_of(data, label, weights):
    """The laws of a metric and a kind of weights, by name."""
    (metric,) = [item for item in data["metrics"] if item["label"] == label]
    (of,) = [item for item in metric["weights"] if item["name"] == weights]
    return {law["name"]: law for law in of["laws"]}


def test_every_value_is_the_tables(data, table):
    frame = table.frame[table.frame["log_snr"].isna()].set_index(
        ["metric", "split", "weights", "run", "steps"]
    )
    shown = {
        "importance-weighted loss": ("importance_weighted_loss", "held_out"),
        "importance-weighted loss, train": ("importance_weighted_loss", "train"),
        "uniform loss": ("uniform_loss", "held_out"),
    }
    assert {metric["label"] for metric in data["metrics"]} == set(shown)
    count = 0
    for metric in data["metrics"]:
        for weights in metric["weights"]:
            for place, steps, value, error in zip(*weights["points"].values(), strict=True):
                key = (*shown[metric["label"]], weights["name"], data["runs"][place]["id"], steps)
                row = frame.loc[key]
                assert value == pytest.approx(row["value"], rel=1e-4)
                assert error == pytest.approx(row["standard_error"], rel=0.05)
                count += 1
    assert count == len(frame)


def test_runs_say_what_became_of_them(data, table):
    assert {run["id"] for run in data["runs"]} == set(table.frame["run"])
    (gone,) = [run for run in data["runs"] if not run["fitted"]]
    assert (gone["status"], data["rungs"][gone["rung"]], gone["seed"]) == ("diverged", "w3", 1)
    assert "diverged" in gone["why"]
    assert "loss is not finite at step 700" in gone["why"]
    assert data["rungs"] == [f"w{i}" for i in range(1, 7)]


def test_laws_are_those_of_the_study_without_the_held_out_rung(data, series):
    own = data["metrics"][0]["weights"][0]["laws"]
    assert [law["name"] for law in own] == ["power", "floor", "joint"]
    for law in own:
        held = series.hold_out(law["name"])
        fit, curve = held.fit, law["over_size"]
        assert [data["rungs"][rung] for rung in law["rungs"]] == list(fit.rungs)
        x = np.array(curve["x"])
        at = {"x": x} if law["name"] != "joint" else {"N": x, "S": np.full_like(x, 4000.0)}
        assert curve["y"] == pytest.approx(fit.predict(**at), rel=2e-4)
        assert (np.array(curve["low"]) < curve["y"]).all()
        assert (np.array(curve["high"]) > curve["y"]).all()
        (prediction,) = law["predictions"]
        assert prediction["value"] == pytest.approx(held.predictions[0].predicted, rel=1e-4)
    joint = own[2]["over_steps"]
    assert list(map(int, joint)) == list(range(6))


def test_the_headlines_metric_and_weights_come_first(data):
    first = data["metrics"][0]
    assert (first["label"], first["weights"][0]["name"]) == ("importance-weighted loss", "ema_0.1")
    assert data["law"] in [law["name"] for law in first["weights"][0]["laws"]]


def test_a_metric_that_is_a_multiple_has_the_law_times_that(data):
    """The raw weights' losses are 1.02 times the others', the uniform loss 0.8 times."""
    own = laws_of(data, "importance-weighted loss", "ema_0.1")
    for label, weights, factor in (
        ("importance-weighted loss", "raw", 1.02),
        ("uniform loss", "ema_0.1", 0.8),
    ):
        for name, law in laws_of(data, label, weights).items():
            curve = np.array(law["over_size"]["y"])
            assert curve == pytest.approx(factor * np.array(own[name]["over_size"]["y"]), rel=2e-4)
            assert (np.array(law["over_size"]["low"]) < curve).all()
            (told,), (of_own,) = law["predictions"], own[name]["predictions"]
            assert told["value"] == pytest.approx(factor * of_own["value"], rel=2e-4)
            assert told["rung"] == of_own["rung"]
            assert law["rungs"] == own[name]["rungs"]


def test_another_metric_is_fitted_as_if_it_were_asked_for(data, table):
    asked = analysis.FitSettings(bootstrap=100, metric="uniform_loss")
    (series,) = analysis.analyse([table], asked).series
    for name, law in laws_of(data, "uniform loss", "ema_0.1").items():
        fit = series.hold_out(name).fit
        assert law["text"].split(" ")[:2] == parameters_in_words(fit).split(" ")[:2]
        x = np.array(law["over_size"]["x"])
        if name != "joint":
            assert law["over_size"]["y"] == pytest.approx(fit.predict(x=x), rel=2e-4)


def with_metric(table, name, values):
    """The table with another metric, made of the first's values."""
    rows = table.frame[(table.frame["metric"] == "uniform_loss")]
    frame = pd.concat([table.frame, rows.assign(metric=name, value=values(rows["value"]))])
    return replace(table, frame=frame.reset_index(drop=True))


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("score", lambda y: 1 / y, "it rises with size"),
        ("gain", lambda y: -y, "no row is left to fit"),
    ],
)
def test_a_metric_that_these_laws_cannot_be_of_says_why(table, name, values, reason):
    changed = with_metric(table, name, values)
    data = explore(analysis.analyse([changed], SETTINGS).series[0], SETTINGS)
    (view,) = [metric for metric in data["metrics"] if metric["label"] == name]
    (of,) = view["weights"]
    assert of["laws"] == []
    assert reason in of["no_laws"]


def test_there_is_an_end_to_how_many_metrics_are_fitted(series, monkeypatch):
    monkeypatch.setattr(others, "MOST", 1)
    data = explore(series, SETTINGS)
    (train,) = (metric for metric in data["metrics"] if metric["label"].endswith("train"))
    assert laws_of(data, "uniform loss", "ema_0.1")
    assert not laws_of(data, "importance-weighted loss", "raw")
    assert train["weights"][0]["no_laws"] == "laws are fitted to no more than 1 other metrics"


def test_a_floor_is_drawn_only_where_it_is_identified(series, data):
    for law in data["metrics"][0]["weights"][0]["laws"]:
        fit = series.hold_out(law["name"]).fit
        assert (law["limit"] is not None) == ("E" in fit.parameters and not fit.not_identified)


def test_a_metric_that_a_rung_lacks_is_not_offered(table):
    frame = table.frame
    lacking = (frame["metric"] == "uniform_loss") & (frame["rung"] == "w2")
    without = analysis.Table(
        frame=frame[~lacking], source="t", digest="0", runs=table.runs, protocols=table.protocols
    )
    (series,) = analysis.analyse([without], analysis.FitSettings(bootstrap=0)).series
    assert "uniform loss" not in [metric["label"] for metric in explore(series)["metrics"]]


def test_points_before_the_first_step_are_marked(table):
    settings = analysis.FitSettings(bootstrap=0, first_step=300)
    data = explore(analysis.analyse([table], settings).series[0])
    weights = data["metrics"][0]["weights"][0]
    steps = np.array(weights["points"]["steps"])
    assert set(np.flatnonzero(steps < 300)) <= set(weights["left_out"])
    fitted = [data["runs"][place]["fitted"] for place in weights["points"]["run"]]
    assert set(np.flatnonzero((steps >= 300) & fitted)).isdisjoint(weights["left_out"])


def test_a_foreign_table_without_steps_has_size_alone():
    frame = pd.DataFrame({"N": np.geomspace(1e6, 1e9, 6)})
    frame["loss"] = 1 + 50 * frame["N"] ** -0.3
    table = analysis.from_frame(frame, {"parameters": "N", "value": "loss"})
    data = explore(analysis.analyse([table], analysis.FitSettings(bootstrap=0)).series[0])
    assert (data["steps"], data["size"]) == (None, "N")
    assert [metric["label"] for metric in data["metrics"]] == ["loss"]
    assert [run["size"] for run in data["runs"]] == pytest.approx(list(frame["N"]))


def test_json_cannot_end_the_script_or_hold_what_is_no_number():
    nasty = {"a": "</script><!-- <script>&'"}
    text = str(as_json(nasty))
    assert "<" not in text
    assert json.loads(text) == nasty
    with pytest.raises(ValueError, match="JSON"):
        as_json({"a": float("nan")})


def test_the_block_is_small(data):
    assert len(str(as_json(data))) < 60_000


def luminance(colour: str) -> float:
    """Relative luminance of '#rgb' or '#rrggbb': WCAG 2.2, section on contrast."""
    digits = colour.lstrip("#")
    digits = digits if len(digits) == 6 else "".join(2 * d for d in digits)
    parts = np.array([int(digits[i : i + 2], 16) for i in (0, 2, 4)]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("night", [False, True], ids=["light", "dark"])
def test_words_and_marks_stand_out_from_what_they_are_on(night):
    colours: dict[str, str] = {}
    for name in STYLES:
        text = (Path(analysis.__file__).parent / "templates" / name).read_text()
        day, _, dark = text.partition("prefers-color-scheme: dark")
        for part in (day, dark.partition("} }")[0])[: 1 + night]:
            colours |= dict(re.findall(r"--([a-z]+): (#[0-9a-f]+)", part))
    marks = ("low", "high", "law", "held", "bad", "control")
    words = ("ink", "soft", "good", "fair", "bad", "accent")
    for least, names in ((3.0, marks), (4.5, words)):
        for name in names:
            for ground in ("card", "page"):
                light, dark = sorted((luminance(colours[c]) for c in (name, ground)), reverse=True)
                assert (light + 0.05) / (dark + 0.05) >= least, (name, ground)
