"""Best learning rates against optima that are known, and what the study makes of them."""

import math

import numpy as np
import pytest

import analysis
from analysis.best_rate import vertex
from analysis.transfer import coordinates_sheet, rates_sentences, rates_sheet, tuning_sentence
from tests.analysis.rate_sweeps import RATES, WIDTHS, optimum, rate_table, without_rates


def study(table, **choices):
    settings = {"bootstrap": 200, "hold_out": 0, **choices}
    return analysis.analyse([table], analysis.FitSettings(**settings))


@pytest.fixture(scope="module")
def swept():
    return study(rate_table(rates=(*RATES, 6.4e-2)))


def test_a_parabola_is_recovered_exactly():
    rng = np.random.default_rng(0)
    where, low, bend = rng.uniform(-0.4, 0.9, 50), rng.normal(size=50), rng.uniform(1, 5, 50)
    x = np.array([-1.0, 0.3, 1.7])
    y = low[:, None] + bend[:, None] * (x - where[:, None]) ** 2
    found, least = vertex(x, y)
    np.testing.assert_allclose(found, where, atol=1e-12)
    np.testing.assert_allclose(least, low, atol=1e-12)
    assert vertex(x, np.ones(3))[0] == 0.3


def test_optima_are_the_true_ones_and_move_as_they_should(swept):
    moving, flat = swept.series
    for series, moves in ((moving, True), (flat, False)):
        found = {item.width: item for item in series.rates.rungs}
        assert list(found) == list(WIDTHS)
        for width, item in found.items():
            true = optimum(width, moves)
            assert item.optimum == pytest.approx(true, rel=1e-9)
            assert item.best == min(RATES, key=lambda rate: abs(math.log(rate / true)))
            assert item.interval is None
    assert moving.rates.variable == "width"
    assert moving.rates.law.exponent == pytest.approx(-1, abs=1e-9)
    assert moving.rates.law.interval == pytest.approx((-1, -1), abs=1e-6)
    assert moving.rates.law.coefficient == pytest.approx(2.2e-2 * 32)
    assert moving.rates.moves == pytest.approx(8)
    assert flat.rates.law.exponent == pytest.approx(0, abs=1e-9)
    assert flat.rates.moves == pytest.approx(1)
    first, second = rates_sentences(swept)
    assert "a factor 8 over widths 32 to 256, 2 or more: it does not transfer" in first
    assert "less than 2: one rate serves all" in second


def test_laws_are_fitted_to_the_best_of_each_rung_and_the_rest_is_listed(swept):
    for series in swept.series:
        points = series.selection.points
        assert set(points.groupby("rung")["learning_rate"].nunique()) == {1}
        best = {item.rung: item.best for item in series.rates.rungs}
        assert dict(zip(points["rung"], points["learning_rate"], strict=True)) == best
        assert len(series.selection.excluded) == len(WIDTHS) * len(RATES)  # one of seven is kept
        assert all("this rung is best at" in item.reason for item in series.selection.excluded)
        assert any("learning rates were tried" in note for note in series.selection.notes)
        assert {item.tuned for item in series.rungs} == {"swept"}
        assert tuning_sentence(series) == ""
    assert [series.label for series in swept.series] == [
        "transfer none",
        "transfer mup (base_width 32)",
    ]


def test_a_best_rate_at_an_end_is_untuned_and_gives_no_optimum():
    (series,) = study(rate_table(rules=(True,), rates=RATES[:4])).series
    edges = {item.width: item.edge for item in series.rates.rungs}
    assert edges == {32: "highest", 64: "highest", 128: None, 256: None}
    assert series.rates.rungs[0].optimum is None
    assert series.rates.law.rungs == 2
    assert series.rates.law.interval is None
    assert [item.tuned for item in series.rungs] == ["edge", "edge", "swept", "swept"]
    assert "2 of 4 sizes are untuned: the best learning rate lies at an end" in (
        tuning_sentence(series)
    )
    (sentence,) = rates_sentences(study(rate_table(rules=(True,), rates=RATES[:4])))
    assert "at least a factor" in sentence.lower()
    assert "At n=32, n=64 the best lies at an end" in sentence


def test_divergence_bounds_the_best_rate_without_a_parabola():
    lost = {(True, 32, RATES[5]), (False, 32, RATES[5])}
    moving, flat = study(rate_table(diverged=lost)).series
    narrow = moving.rates.rungs[0]
    assert (narrow.best, narrow.edge, narrow.optimum) == (RATES[4], None, RATES[4])
    assert "diverged" in narrow.note
    assert narrow.tried[-1].diverged == (f"none-32-{RATES[5]:g}-0",)
    assert narrow.tried[-1].runs == 0
    assert flat.rates.rungs[0].optimum == pytest.approx(5e-3)
    (row, *_) = rates_sheet(study(rate_table(diverged=lost))).rows
    assert f"none-32-{RATES[5]:g}-0 at {RATES[5]:.3g}" in row


def test_the_interval_of_an_optimum_covers_it_and_shrinks_with_the_noise():
    hits, widths = 0, []
    for draw in range(12):
        (series,) = study(rate_table(rules=(False,), seeds=3, noise=0.003, seed=draw)).series
        for item in series.rates.rungs:
            low, high = item.interval
            hits += low <= 5e-3 <= high
            widths.append(math.log(high / low))
    assert hits >= 43, hits  # of 48: 45.6 expected, 43 is 1.7 deviations below
    (quiet,) = study(rate_table(rules=(False,), seeds=3, noise=0.0003)).series
    low, high = quiet.rates.rungs[0].interval
    assert 5 * math.log(high / low) < float(np.median(widths))


def test_without_several_rates_there_is_no_sweep_and_the_rule_decides_the_flag():
    plain = study(without_rates(rate_table(), RATES[2]))
    moving, flat = plain.series
    assert moving.rates is flat.rates is None
    assert {item.tuned for item in moving.rungs} == {"untuned"}
    assert {item.tuned for item in flat.rungs} == {"transferred"}
    assert tuning_sentence(moving) == "4 of 4 sizes are untuned: the learning rate was not swept."
    assert rates_sheet(plain).rows == coordinates_sheet(plain).rows == ()
    foreign = analysis.from_frame(moving.table.frame[["parameters", "value"]])
    assert {item.tuned for item in study(foreign).series[0].rungs} == {"unknown"}


def test_rates_of_another_sweep_judge_these(tmp_path):
    path = tmp_path / "rates.csv"
    rate_table(rates=(*RATES, 6.4e-2)).frame.to_csv(path, index=False)
    plain = without_rates(rate_table(), RATES[3])  # 8e-3: optima 2.2e-2, 1.1e-2, 5.5e-3, 2.75e-3
    found = study(plain, rates_from=str(path))
    moving, flat = found.series
    assert [item.tuned for item in moving.rungs] == [
        "untuned",
        "swept elsewhere",
        "swept elsewhere",
        "untuned",
    ]
    assert {item.tuned for item in flat.rungs} == {"swept elsewhere"}
    assert "2.8 times off the optimum 0.022" in moving.rungs[0].tuned_why
    assert list(found.inputs) == ["plain", str(path)]
    with pytest.raises(analysis.TableError, match="no learning rates were swept there"):
        without_rates(rate_table(), RATES[3]).frame.to_csv(path, index=False)
        study(plain, rates_from=str(path))
