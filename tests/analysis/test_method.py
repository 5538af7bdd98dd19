"""The page says how it was fitted: every choice that is not the default, and no other."""

import pandas as pd
import pytest

import analysis
from analysis.method import method
from analysis.report import render

BOOTSTRAP = "by a bootstrap over runs (100 replicates)"


def said(**choices) -> tuple[str, str]:
    """The sentence, and the page."""
    settings = analysis.FitSettings(**{"bootstrap": 100, "laws": ("power",), **choices})
    size = [1e4, 3e4, 1e5, 3e5, 1e6, 3e6]
    value = [0.9, 0.71, 0.55, 0.45, 0.34, 0.27]
    frame = pd.DataFrame({"N": size, "loss": value, "standard_error": 0.01})
    study = analysis.analyse([analysis.from_frame(frame)], settings)
    return method(study.series[0], settings), render(study, "t", [])


@pytest.mark.parametrize(
    ("choices", "ends"),
    [
        ({}, f"intervals {BOOTSTRAP}."),
        ({"intervals": "profile"}, f"by profile likelihood; those of predictions {BOOTSTRAP}."),
        ({"intervals": "delta"}, f"to be independent; those of predictions {BOOTSTRAP}."),
        ({"bootstrap": 0}, "intervals not drawn, for no bootstrap was asked for."),
        ({"bootstrap": 0, "intervals": "delta"}, "those of predictions not drawn, for no bootstrap "
         "was asked for."),
    ],
)  # fmt: skip
def test_intervals_are_said_to_be_what_was_asked_for(choices, ends):
    sentence, page = said(**choices)
    assert sentence.endswith(ends)
    assert ends in page
    kind = choices.get("intervals", "bootstrap")
    assert ("profile likelihood" in sentence, "linearising" in sentence) == (
        kind == "profile",
        kind == "delta",
    )


def test_the_objective_and_what_counts_are_said():
    plain = said()[0]
    assert plain.startswith("Least Huber loss (delta 1.345 robust standard deviations")
    assert "on log residuals" in plain
    assert "known" not in plain
    assert "precision" not in plain
    choices = {
        "loss": "squares",
        "residuals": "linear",
        "asymmetry": 0.5,
        "weighting": "standard_error",
        "known": {"alpha": (0.22, 0.01)},
    }
    told = said(**choices)[0]
    assert told.startswith("Least squares on linear residuals, from many starts; values above")
    for text in ("count 0.5 times", "by their precision", "known: alpha = 0.22 ± 0.01"):
        assert text in told
    assert "(delta 0.001)" in said(huber_delta=0.001)[0]
