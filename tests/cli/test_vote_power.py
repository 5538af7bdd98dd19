"""How much the votes of a plan will tell, said before anybody is asked."""

import pytest
from typer.testing import CliRunner

from analysis.preference.outcomes import outcomes
from analysis.preference.power import half_width, intraclass, votes_for
from analysis.preference.rates import rate
from scaling.cli.app import app
from scaling.cli.vote_power import habits, power
from scaling.preference.vote import Vote
from tests.analysis.population import population
from tests.preference.sweep import sweep

TIED = population({"run": -0.6}, raters=3, prompts=300, tie=0.2, prompt_spread=1.5)


def as_votes(frame):
    told = frame.drop(columns=["pair"]).to_dict("records")
    return [Vote(vote=str(k), pair="", prompt="", **row) for k, row in enumerate(told)]


def test_the_planned_interval_is_that_which_votes_give():
    """Of votes with ties, three to a prompt, as their own habits foretell it."""
    found, arrays = rate(TIED), outcomes(TIED)
    correlation = intraclass(arrays.points, arrays.prompt)
    told = {
        "rate": found.value,
        "tie_rate": found.tie_rate,
        "votes_per_prompt": 3.0,
        "correlation": correlation,
    }
    width = half_width(found.votes, **told)
    assert width == pytest.approx((found.high - found.low) / 2, rel=0.1)
    assert votes_for(width, **told) == pytest.approx(found.votes, abs=1)
    (habit,) = habits(as_votes(TIED))
    assert habit == pytest.approx((found.tie_rate, correlation))


def test_few_votes_say_nothing_of_ties_and_prompts():
    first, *lines = power(100, 2, as_votes(TIED)[:10])
    assert "each run has 200 votes against real pictures (100 prompts, 2 raters)" in first
    assert len(lines) == 4 and all("supposing" in line for line in lines)
    assert f"±{half_width(200):.3f} supposing 0% ties" in lines[0]
    assert len(list(power(100, 1, []))) == 3


def test_a_plan_is_told_and_nothing_is_served_or_written(tmp_path):
    directory = tmp_path / "s"
    sweep(directory, prompts=12)
    before = sorted(directory.rglob("*"))
    result = CliRunner().invoke(app, ["annotate", str(directory), "--plan", "--rater", "anna"])
    assert result.exit_code == 0, result.output
    assert "36 generated against real" in result.output and "12 votes" in result.output
    assert "http" not in result.output
    assert sorted(directory.rglob("*")) == before
