"""The drawn profiles: closed forms, the intervals of the tables, what is not identified."""

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.estimation.estimate import estimate
from analysis.estimation.problem import pose
from analysis.figures import draw, write_figures
from analysis.figures.profile import SHOWN, profile_likelihoods
from analysis.fit_sheets import parameter
from analysis.fitting import Unsupported
from analysis.in_depth import in_depth
from analysis.laws import LAWS
from analysis.profiled import profiled
from analysis.rounding import rounded
from analysis.uncertainty.profile import profiles

SIZES = np.repeat(np.geomspace(1e4, 1e6, 6), 2)


def losses(sizes=SIZES, floor=0.3, noise=0.005, seed=0):
    draws = np.random.default_rng(seed).normal(size=sizes.size)
    return (floor + 8 * sizes**-0.35) * np.exp(noise * draws)


def table(sizes, **truth):
    frame = pd.DataFrame({"N": sizes, "loss": losses(sizes, **truth)})
    frame["seed"] = frame.groupby("N").cumcount()
    return analysis.from_frame(frame, {"parameters": "N", "value": "loss"})


def series_of(tables, **options):
    settings = analysis.FitSettings(**{"bootstrap": 0, **options})
    (series,) = analysis.analyse(tables, settings).series
    return series, settings


def drawn(axes):
    """The profile's curve [m], [m], and its threshold."""
    curve, threshold = axes.lines[:2]
    return *map(np.asarray, curve.get_data()), float(threshold.get_ydata()[0])


def crossings(axes):
    """Where the drawn curve meets the drawn threshold, between the points it is drawn through."""
    x, rise, threshold = drawn(axes)
    at = np.flatnonzero(np.diff(np.sign(rise - threshold)))
    share = (threshold - rise[at]) / (rise[at + 1] - rise[at])
    return x[at] + share * (x[at + 1] - x[at])


def said(axes):
    """All words of a panel, on one line."""
    return " ".join(" ".join(text.get_text().split()) for text in axes.texts)


def test_a_linear_laws_curve_is_its_parabola():
    """With the exponent known and squares of linear residuals: ((E - best) / standard error)^2."""
    y, design = losses(), np.column_stack([np.ones_like(SIZES), SIZES**-0.35])
    best, (squares,), *_ = np.linalg.lstsq(design, y, rcond=None)
    errors = np.sqrt(squares / (len(y) - 2) * np.diag(np.linalg.inv(design.T @ design)))
    options = {"delta": 0.01, "linear": True, "squares": True, "known": {"alpha": 0.35}}
    found = profiles(*estimate(pose(LAWS["floor"], {"x": SIZES}, y, **options), fixed_delta=False))
    figure = profile_likelihoods(found[0])
    assert figure
    for axes, value, error in zip(figure.axes, best, errors, strict=True):
        x, rise, threshold = drawn(axes)
        assert rise == pytest.approx(((x - value) / error) ** 2, rel=0.02, abs=1e-3 * threshold)
        assert x[rise.argmin()] == pytest.approx(value, abs=0.02 * error)
        assert crossings(axes) == pytest.approx(
            [value - np.sqrt(threshold) * error, value + np.sqrt(threshold) * error],
            abs=0.01 * error,
        )
        assert axes.get_ylim() == pytest.approx((0, SHOWN * threshold))


@pytest.mark.parametrize("hold_out", [0, 1])
def test_the_curve_crosses_its_threshold_where_the_tables_say(hold_out):
    series, settings = series_of(
        [table(SIZES)], laws=("floor",), intervals="profile", hold_out=hold_out
    )
    held = series.hold_out("floor")
    fit = held.fit if held else series.fit("floor")
    found = profiled(series, settings)
    assert fit and found and found.fit is fit
    figure = profile_likelihoods(found.profiles, found.fit)
    assert figure
    for axes, name in zip(figure.axes, ("E", "A", "alpha"), strict=True):
        low, high = crossings(axes)
        printed = fit.intervals[name]
        assert (low, high) == pytest.approx(printed, abs=0.01 * (printed[1] - printed[0]))
        x, rise, _ = drawn(axes)
        assert x[rise.argmin()] == pytest.approx(fit.parameters[name], rel=1e-6)
        value, *ends = rounded(fit.parameters[name], *printed)
        assert parameter(fit, name) == f"{value} [{ends[0]}, {ends[1]}]"
        assert len(axes.lines) == 3, "no second interval beside the same one"


def test_an_interval_of_another_kind_is_drawn_as_the_tables_have_it():
    series, settings = series_of([table(SIZES)], laws=("floor",), bootstrap=200)
    held, found = series.hold_out("floor"), profiled(series, settings)
    assert held and held.fit and found
    figure = profile_likelihoods(found.profiles, found.fit)
    assert figure
    for axes, name in zip(figure.axes, ("E", "A", "alpha"), strict=True):
        assert tuple(axes.lines[-1].get_xdata()) == held.fit.intervals[name]
    (legend,) = figure.legends
    assert "bootstrap interval (tables)" in [text.get_text() for text in legend.get_texts()]


def test_a_floor_that_may_be_zero_says_that_its_curve_meets_no_threshold():
    sizes = np.repeat(np.geomspace(1e4, 1e5, 6), 2)
    tables = [table(sizes, floor=0.002, noise=0.01, seed=3)]
    series, settings = series_of(tables, laws=("floor",), intervals="profile", hold_out=0)
    found = profiled(series, settings)
    assert found
    figure = profile_likelihoods(found.profiles, found.fit)
    assert figure
    floor, *others = figure.axes
    assert floor.get_title() == "E: not identified"
    assert said(floor) == "the curve stays below the threshold down to zero"
    x, rise, threshold = drawn(floor)
    assert x[0] == 0
    assert rise[0] < threshold
    assert len(crossings(floor)) == 1
    assert all(said(axes) == "" for axes in others)


def test_a_floor_with_both_ends_that_moves_with_the_range_says_so():
    """Of the published curve, whose law bends otherwise than the points."""
    series, settings = series_of([analysis.example("gu_2024_steps")], laws=("floor",))
    found = profiled(series, settings)
    assert found
    assert (found.question.along, found.question.rung) == ("steps", series.selection.rungs[0])
    assert found.profiles["E"].identified
    figure = profile_likelihoods(found.profiles, found.fit)
    assert figure
    floor = figure.axes[0]
    assert floor.get_title() == "E: not identified"
    assert len(crossings(floor)) == 2
    reason = found.fit.not_identified["E"]
    assert said(floor) == f"the profile has both ends; the tables say: {reason}"


def test_every_command_that_draws_draws_it(tmp_path):
    settings = analysis.FitSettings(bootstrap=100, laws=("power",))
    study = in_depth(analysis.analyse([table(SIZES, floor=0.0)], settings))
    (drawing,) = draw(study, ("profile",))
    (stem,) = write_figures([drawing], tmp_path)
    assert all(stem.with_suffix(suffix).stat().st_size for suffix in (".pdf", ".svg", ".png"))
    assert '"profiled"' in study.to_json()


def test_a_parameter_known_with_an_error_has_no_profiles_of_the_others():
    settings = analysis.FitSettings(bootstrap=100, laws=("floor",), known={"E": (0.3, 0.01)})
    (series,) = in_depth(analysis.analyse([table(SIZES)], settings)).series
    assert series.profiled is None
    assert "E, known with an error, to be exact" in series.refused["profile likelihoods"]


def test_a_law_whose_profiles_take_long_has_them_where_they_were_asked_for():
    tables = [table(np.repeat(np.geomspace(1e4, 1e6, 5), 2))]
    series, settings = series_of(tables, laws=("shifted",), hold_out=0)
    with pytest.raises(Unsupported, match=r"they take long; fit\.intervals profile asks"):
        profiled(series, settings)
    series, settings = series_of(tables, laws=("shifted",), hold_out=0, intervals="profile")
    found = profiled(series, settings)
    assert found
    for name, interval in found.fit.intervals.items():
        assert found.profiles[name].interval == pytest.approx(interval)
