"""Laws by their error of extrapolation: closed forms, and ladders whose law is known."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from analysis.fitting import Unsupported
from analysis.settings import FitSettings
from analysis.trust.averaging import quantiles
from analysis.trust.law_choice import choose, weigh, worse_than_best
from analysis.trust.sheets import averaged_sheet, choice_sheet
from tests.analysis.ladders import ladder

LAWS = ("power", "floor", "shifted")
SOME = FitSettings(bootstrap=200)


def test_weights_are_the_normal_likelihood_of_the_errors():
    errors = np.array([[0.01, -0.01], [0.02, 0.0], [-0.02, 0.02]])
    s2 = 1e-4
    raw = np.exp(-(errors**2).sum(axis=1) / (2 * s2))
    assert_allclose(weigh(errors), raw / raw.sum(), rtol=1e-12)
    assert_allclose(weigh(errors * 7), weigh(errors), rtol=1e-9)
    assert_allclose(weigh(np.zeros((3, 4))), 1 / 3)
    assert_allclose(weigh(np.empty((2, 0))), 0.5)


def test_the_test_against_the_best_is_a_paired_t():
    errors = np.random.default_rng(0).normal(size=(3, 7)) * np.array([[1], [2], [3]])
    found = worse_than_best(errors)
    best = int((errors**2).mean(axis=1).argmin())
    for i in {0, 1, 2} - {best}:
        more = np.abs(errors[i]) - np.abs(errors[best])
        t = more.mean() / (more.std(ddof=1) / np.sqrt(7))
        assert_allclose(found[i], stats.t.sf(t, 6))
    assert np.isnan(found[best])
    assert np.isnan(worse_than_best(errors[:, :2])).all()


def test_quantiles_of_equal_weights_are_the_sample_s():
    values = np.random.default_rng(1).normal(size=4000)
    told = quantiles(values, np.ones(4000), 0.025)
    assert_allclose(told, np.quantile(values, [0.025, 0.975]), atol=5e-3)
    heavy = np.where(values > 0, 1.0, 0.0)
    assert quantiles(values, heavy, 0.025)[0] > 0


def test_enough_rungs_tell_the_true_law():
    found = choose(ladder(np.random.default_rng(2), rungs=12, horizons=(3200,)), LAWS, SOME)
    assert found.scores[0].law == "floor"
    assert set(found.apart) == {"power", "shifted"}
    assert found.scores[0].weight > 0.99
    assert "extrapolates best" in found.sentence()
    assert "power law with floor errs" in found.sentence()
    (told,) = found.averaged
    assert told.interval[0] < told.measured < told.interval[1]
    assert abs(told.error_percent) < 1
    assert choice_sheet(found).rows[0][-1] == "best"
    assert len(averaged_sheet(found).rows[0]) == len(averaged_sheet(found).headings)


def test_few_rungs_do_not():
    selection = ladder(np.random.default_rng(3), rungs=7, noise=0.02, horizons=(3200,))
    found = choose(selection, ("floor", "shifted"), SOME)
    assert found.apart == ()
    assert "cannot be told apart" in found.sentence()


@pytest.mark.exhaustive
@pytest.mark.slow
def test_the_true_law_is_picked_from_many_ladders():
    rng = np.random.default_rng(4)
    plain = FitSettings(bootstrap=0)
    found = [choose(ladder(rng, rungs=12, horizons=(3200,)), LAWS, plain) for _ in range(25)]
    assert np.mean([item.scores[0].law == "floor" for item in found]) >= 0.9


def test_the_average_does_not_look_at_the_held_out_rung():
    selection = ladder(np.random.default_rng(5), rungs=9, noise=0.01, horizons=(3200,))
    largest = selection.points["rung"] == "w9"
    changed = selection.points["value"].where(~largest, selection.points["value"] * 1.1)
    other = replace(selection, points=selection.points.assign(value=changed))
    (one,), (two,) = (choose(s, LAWS, SOME).averaged for s in (selection, other))
    assert_allclose(one.predicted, two.predicted, rtol=1e-12)
    assert two.measured > 1.09 * one.measured


def test_the_spread_over_laws_widens_the_interval():
    selection = ladder(np.random.default_rng(6), rungs=6, noise=0.004, horizons=(3200,))
    both = choose(selection, ("floor", "shifted"), SOME).averaged[0]  # no errors: weighted alike
    each = [choose(selection, (law,), SOME).averaged[0].interval for law in ("floor", "shifted")]
    reach = both.interval[1] - both.interval[0]
    spread = np.ptp(list(both.by_law.values()))
    assert min(both.by_law.values()) < both.predicted < max(both.by_law.values())
    assert reach > min(high - low for low, high in each)
    assert reach > spread


def test_laws_that_cannot_be_judged_say_why():
    selection = ladder(np.random.default_rng(7), rungs=8, horizons=(3200,))
    found = choose(selection, ("power", "broken"), FitSettings(bootstrap=0))
    assert [score.law for score in found.scores] == ["power"]
    assert "has 6 parameters and needs 8 distinct points" in found.unsupported["broken"]
    assert "no other law can be judged" in found.sentence()
    short = choose(ladder(np.random.default_rng(7), rungs=3), ("floor",), SOME)
    assert short.scores == ()
    assert "No law can be judged" in short.sentence()
    apart = selection.points.assign(steps=np.arange(len(selection.points)) + 1.0)
    with pytest.raises(Unsupported, match="share no horizon"):
        choose(replace(selection, points=apart), LAWS, SOME)
