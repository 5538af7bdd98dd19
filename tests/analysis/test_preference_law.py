"""Laws of people's rates: covered where runs share prompts and raters, and weighed by errors."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq

from analysis import FitSettings, fit
from analysis.preference.measured import PEOPLE, shared_errors, with_votes
from analysis.uncertainty.shared import loadings
from tests.analysis.population import population, true_rate

RUNS = {"small": -2.0, "middle": -1.0, "large": -0.3}
A_, ALPHA = 3.0, 0.22
SIX = np.geomspace(2e4, 8e5, 6)
TIE = -1.0


def measured_runs(sizes):
    """A measurement of each of some finished runs, as a sweep has them."""
    return pd.DataFrame({"parameters": sizes, "parameters_non_embedding": sizes,
        "run": [f"run {i}" for i in range(len(sizes))], "rung": [f"{n:.0f}" for n in sizes],
        "seed": np.arange(len(sizes)) % 2, "steps": 100, "flops": 1e9 * sizes,
        "status": "finished", "weights": "raw", "split": "held_out", "metric": "loss",
        "log_snr": np.nan, "value": 1.0, "standard_error": 0.01, "count": 10,
        "protocol": "p"})  # fmt: skip


def voted(frame, seed, *, spread, prompts, raters, rater_spread=0.0):
    """With the rates of a simulated population, whose expected ones follow the law."""
    hold = np.hypot(spread, rater_spread)
    gaps = A_ * frame["parameters"].to_numpy(float) ** -ALPHA
    utilities = {
        run: brentq(lambda u, gap=gap: true_rate(u, TIE, hold) - 0.5 + gap, -20, 20)
        for run, gap in zip(frame["run"], gaps, strict=True)
    }
    votes = population(utilities, tie=TIE, prompts=prompts, raters=raters, prompt_spread=spread,
                       rater_spread=rater_spread, seed=seed)  # fmt: skip
    return with_votes(frame, votes.assign(protocol="p"))[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    "who",
    [
        {"spread": 1.5, "prompts": 80, "raters": 3},
        pytest.param(
            {"spread": 1.0, "prompts": 60, "raters": 8, "rater_spread": 0.7},
            marks=pytest.mark.exhaustive,
        ),
    ],
    ids=["shared prompts", "shared prompts and raters"],
)
def test_the_laws_exponent_is_covered_where_runs_share_prompts_and_raters(who):
    """Six sizes, two seeds. What all share moves all rates: no residual shows it."""
    settings = FitSettings(metric=PEOPLE, bootstrap=200)
    frame, found = measured_runs(np.repeat(SIX, 2)), []
    for seed in range(30):
        table = voted(frame, seed, **who)
        tables = (table, table.assign(shared_error=np.nan))
        found.append([fit(rows, law="preference", settings=settings) for rows in tables])
    ends = np.array([[item.intervals["alpha"] for item in pair] for pair in found])
    held, blind = np.mean((ends[..., 0] <= ALPHA) & (ends[..., 1] >= ALPHA), axis=0)
    assert held >= 0.86 and blind < held, (held, blind)  # of 30, known to 4 points
    assert {item.weighting for pair in found for item in pair} == {"standard_error"}
    exponents = [pair[0].parameters["alpha"] for pair in found]
    assert np.mean(exponents) == pytest.approx(ALPHA, abs=4 * np.std(exponents) / np.sqrt(30))


def test_rates_count_by_their_errors_and_all_alike_without_or_where_asked():
    frame = measured_runs(SIX).assign(metric=PEOPLE, value=0.5 - A_ * SIX**-ALPHA)
    errors = np.geomspace(0.001, 0.1, 6)
    uneven = frame.assign(standard_error=errors, value=frame["value"] - 0.5 * errors)
    settings = FitSettings(metric=PEOPLE, bootstrap=0)
    by_error, alike = (
        fit(uneven, law="preference", settings=asked)
        for asked in (settings, replace(settings, weighting="equal"))
    )
    assert (by_error.weighting, alike.weighting) == ("standard_error", "equal")
    apart = [abs(found.parameters["alpha"] - ALPHA) for found in (by_error, alike)]
    assert apart[0] < apart[1]
    without = frame.assign(standard_error=np.nan)
    assert fit(without, law="preference", settings=settings).weighting == "equal"


def test_a_common_error_is_found_among_errors_of_each():
    truth, own = np.array([0.2, 0.1, 0.3, 0.25]), np.array([0.1, 0.3, 0.2, 0.15])
    found = loadings(np.outer(truth, truth) + np.diag(own**2))
    assert found == pytest.approx(truth, rel=1e-3)
    assert loadings(np.diag(own**2)) == pytest.approx(np.zeros(4))


def test_rates_of_runs_vary_together_as_their_shared_prompts_say():
    """Over many drawn populations the rates' covariance is that which one file of votes shows."""
    values, told = [], []
    for seed in range(120):
        votes = population(RUNS, tie=TIE, prompts=30, raters=2, prompt_spread=2.0, seed=seed)
        points = votes["choice"].map({"first": 1.0, "tie": 0.5, "second": 0.0})
        values.append(points.groupby(votes["first"]).mean()[list(RUNS)])
        found = shared_errors(votes, list(RUNS))
        told.append(np.outer(found, found))
    off = ~np.eye(3, dtype=bool)
    assert np.mean(told, axis=0)[off] == pytest.approx(np.cov(np.array(values).T)[off], rel=0.3)
