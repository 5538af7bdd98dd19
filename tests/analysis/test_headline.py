"""The answer in a sentence, also where there is little to answer from."""

import numpy as np
import pandas as pd

import analysis
from analysis.headline import headline

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
