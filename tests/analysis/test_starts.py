"""Searches on the shipped tables: nearly all starts meet at one optimum, or the fit says so."""

import pytest

from analysis import FitSettings, fit, read

ALONG = {"chinchilla_2022": "flops", "datablations_2023": "data", "gu_2024_steps": "steps"}
"""Along what a law in one variable describes a table. (Four sizes of Gu's allow one law alone.)"""
QUICK = [
    ("gu_2024_sizes", "power", "size"),
    *(
        (table, law, along)
        for table, along in ALONG.items()
        for law in ("power", "floor", "shifted")
    ),
    ("chinchilla_2022", "joint", None),
    ("datablations_2023", "joint", None),
]
LONG = [
    ("chinchilla_2022", "kaplan", None),
    ("datablations_2023", "kaplan", None),
    ("datablations_2023", "repeated", None),
]
RUGGED = {("gu_2024_steps", "shifted"), ("datablations_2023", "repeated")}
"""Where fewer starts than 95 % reach the best optimum."""


@pytest.mark.parametrize(
    ("table", "law", "along"), [*QUICK, *(pytest.param(*x, marks=pytest.mark.slow) for x in LONG)]
)
def test_95_percent_of_the_starts_reach_the_best_optimum_or_the_fit_says_so(table, law, along):
    found = fit(read(f"example:{table}"), law=law, along=along, settings=FitSettings(bootstrap=0))
    said = any("of the starts reached the best optimum" in note for note in found.notes)
    assert said == (found.share_at_best < 0.95) == ((table, law) in RUGGED)
