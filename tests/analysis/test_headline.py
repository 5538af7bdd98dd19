"""The answer in a sentence, also where there is little to answer from."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.headline import headline
from analysis.in_depth import in_depth
from analysis.study import analyse
from analysis.trust.law_choice import choose

SETTINGS = analysis.FitSettings(bootstrap=100)


def answer(frame: pd.DataFrame) -> tuple[str, str]:
    table = analysis.from_frame(frame, {"parameters": "N", "value": "loss"})
    return headline(analysis.analyse([table], SETTINGS).series[0])


def test_of_one_run_the_law_along_its_steps_is_told():
    steps = np.geomspace(100, 10_000, 9)
    frame = pd.DataFrame({"steps": steps, "loss": 0.3 + 2 * steps**-0.5, "N": 1e6, "run": "a"})
    verdict, sentence = answer(frame)
    assert verdict == "untested"
    assert "Along the training of 1M, from step 100 to 10,000" in sentence
    assert "alpha = 0.5" in sentence
    assert "E = 0.3 " in sentence


def test_with_no_rung_to_spare_the_law_of_all_is_told_as_untested():
    verdict, sentence = answer(analysis.example("gu_2024_sizes").frame.rename(columns={
        "parameters": "N", "value": "y"})[["N", "loss"]])  # fmt: skip
    assert verdict == "untested"
    assert sentence.startswith("Fitted to all 4 rungs, a power law has A = 0.56")
    assert "No rung could be held out to test it" in sentence


def test_of_one_measurement_the_measurement_is_told():
    verdict, sentence = answer(pd.DataFrame({"N": [2e6], "loss": [0.25]}))
    assert verdict == "unsupported"
    assert "there are 1" in sentence
    assert sentence.endswith("2M reached 0.25.")


def test_rungs_that_end_at_different_steps_are_not_compared_one_by_one():
    series = analysis.analyse([analysis.example("chinchilla_2022")], SETTINGS).series[0]
    _, sentence = headline(series)
    assert "standard error at" not in sentence
    assert "for 16.2B; measured" in sentence


def test_beside_the_laws_prediction_stands_that_of_the_average():
    """Weighted alike where no smaller rung was predicted by both, and in JSON with its weights."""
    size = np.geomspace(1e4, 1e6, 6)
    noise = np.exp(0.01 * np.random.default_rng(0).standard_normal(6))
    frame = pd.DataFrame({"N": size, "loss": (0.3 + 8 * size**-0.35) * noise})
    study = in_depth(analyse([analysis.from_frame(frame)], SETTINGS))
    (series,) = study.series
    (told,) = series.law_choice.averaged
    _, sentence = headline(series)
    assert (
        f"{abs(told.error_percent):.2f}% "
        in sentence.partition(
            "alike in weight for want of smaller rungs to judge them by, predicts"
        )[2]
    )
    (kept,) = json.loads(study.to_json())["series"][0]["law_choice"]["averaged"]
    assert kept["predicted"] == told.predicted
    assert kept["weights"] == {"power": 0.5, "floor": 0.5}
    logs = sum(kept["weights"][law] * np.log(kept["by_law"][law]) for law in kept["by_law"])
    assert np.exp(logs) == pytest.approx(told.predicted)
    assert "average" not in headline(replace(series, law_choice=None))[1]


def test_an_average_that_is_one_laws_prediction_is_not_told():
    """Twelve rungs give the law with a floor all the weight."""
    size = np.geomspace(1e4, 1e7, 12).repeat(2)
    noise = np.exp(0.001 * np.random.default_rng(1).standard_normal(24))
    frame = pd.DataFrame({"N": size, "loss": (0.3 + 8 * size**-0.35) * noise})
    frame["seed"] = np.tile([0, 1], 12)
    series = analyse([analysis.from_frame(frame)], SETTINGS).series[0]
    chosen = choose(series.selection, ("power", "floor"), SETTINGS)
    assert chosen.averaged[0].weights["floor"] > 0.995
    assert "average" not in headline(replace(series, law_choice=chosen))[1]


def test_without_a_bootstrap_nothing_is_said_to_hold_or_to_fail():
    size = np.geomspace(1e4, 1e6, 6)
    table = analysis.from_frame(
        pd.DataFrame({"N": size, "loss": 0.3 + 8 * size**-0.35}), {"parameters": "N"}
    )
    settings = replace(SETTINGS, bootstrap=0)
    verdict, sentence = headline(analysis.analyse([table], settings).series[0])
    assert verdict == "untested"
    assert sentence.startswith("Nothing tests the law. Fitted to the 5 smaller rungs")
    assert "[" not in sentence and "no interval that says how far off is too far" in sentence


def test_a_held_out_size_at_three_lengths_of_training_is_predicted_at_each():
    """Exactly, where the law is exact; the size is one rung of those left out."""
    size, steps = (
        axis.ravel() for axis in np.meshgrid(np.geomspace(1e4, 1e6, 5), [300.0, 1000.0, 3000.0])
    )
    frame = pd.DataFrame({"N": size, "steps": steps})
    frame["loss"] = 0.3 + 8 * size**-0.35 + 4 * steps**-0.5
    frame["run"] = np.arange(len(frame))
    table = analysis.from_frame(frame, {"parameters": "N", "value": "loss"})
    series = analysis.analyse([table], replace(SETTINGS, laws=("joint",))).series[0]
    held = series.hold_out("joint")
    assert held is not None
    assert [item.steps for item in held.predictions] == [300, 1000, 3000]
    assert [item.error_percent for item in held.predictions] == pytest.approx([0, 0, 0], abs=1e-6)
    assert "Fitted to the 4 smaller rungs" in headline(series)[1]
