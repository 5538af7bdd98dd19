"""Intervals by whichever method a fit is told to use, against exact and published ones."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student

import analysis

SIZES = np.geomspace(1e4, 1e6, 12)


def ladder(floor=0.3, noise=0.005, sizes=SIZES, seed=0):
    draws = np.random.default_rng(seed).normal(size=(2, sizes.size))
    losses = (floor + 8 * sizes**-0.35) * np.exp(noise * draws)
    return pd.concat([pd.DataFrame({"N": sizes, "seed": s, "loss": losses[s]}) for s in (0, 1)])


def fitted(frame, law="floor", **options):
    settings = analysis.FitSettings(**{"bootstrap": 0, **options})
    columns = {"parameters": "N", "steps": "D", "value": "loss"}
    columns = {ours: name for ours, name in columns.items() if name in frame}
    return analysis.fit(frame, law=law, columns=columns, settings=settings)


def test_the_delta_methods_interval_of_a_linear_law_is_students():
    """E + A x^-0.35 with the exponent known and linear residuals is linear regression."""
    frame = ladder()
    found = fitted(
        frame, intervals="delta", loss="squares", residuals="linear", known={"alpha": 0.35}
    )
    assert set(found.intervals) == {"E", "A"}
    design = np.column_stack([np.ones(len(frame)), frame["N"] ** -0.35])
    expected, (squares,), *_ = np.linalg.lstsq(design, frame["loss"], rcond=None)
    freedom = len(frame) - 2
    inverse = np.linalg.inv(design.T @ design)
    for column, name in enumerate(("E", "A")):
        reach = student.ppf(0.975, freedom) * np.sqrt(squares / freedom * inverse[column, column])
        ends = expected[column] - reach, expected[column] + reach
        assert found.intervals[name] == pytest.approx(ends, rel=1e-5)


def test_all_methods_agree_on_a_ladder_of_many_rungs():
    """Twelve rungs that obey the law: widths alike to a third, each about the same value."""
    widths = {}
    for method in ("bootstrap", "profile", "delta"):
        found = fitted(ladder(), intervals=method, bootstrap=1000 * (method == "bootstrap"))
        assert found.intervals_by == method
        low, high = found.intervals["alpha"]
        assert low < found.parameters["alpha"] < high
        widths[method] = high - low
    assert max(widths.values()) < 1.5 * min(widths.values()), widths


def test_profiles_of_chinchilla_have_the_published_widths_without_a_bootstrap():
    """Besiroglu et al. 2024 drew 4,000 replicates for theirs."""
    frame = pd.read_csv(Path(__file__).parent / "data" / "chinchilla_2022.csv")
    frame = frame.sort_values("loss").iloc[:-5].rename(columns={"Model Size": "N"})
    frame["D"] = frame["Training FLOP"] / (6 * frame["N"])
    found = fitted(frame[["N", "D", "loss"]], "joint", intervals="profile", huber_delta=1e-3)
    published = {"E": (1.769, 1.871), "alpha": (0.317, 0.373), "beta": (0.331, 0.415)}
    for name, interval in published.items():
        width = np.ptp(found.intervals[name])
        assert width == pytest.approx(np.ptp(interval), rel=0.25), name
    assert found.not_identified == {}
    assert found.bootstrap == "none"


def test_a_profile_says_what_is_not_identified():
    frame = ladder(floor=0.002, noise=0.01, sizes=np.geomspace(1e4, 1e5, 6), seed=3)
    found = fitted(frame, intervals="profile")
    assert "reaches zero" in found.not_identified["E"]
    assert found.intervals["E"][0] == 0
    assert any("profile intervals of 6 rungs are too narrow" in note for note in found.notes)
    assert analysis.Fit.from_json(found.to_json()) == found


def test_a_known_parameter_with_an_error_needs_the_bootstrap():
    with pytest.raises(ValueError, match=r"fit\.intervals must be bootstrap where .* \(E\) has a"):
        analysis.FitSettings(intervals="profile", known={"E": (0.3, 0.01)})
    with pytest.raises(ValueError, match=r"fit\.intervals must be bootstrap, profile or delta"):
        analysis.FitSettings(intervals="guess")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("intervals", ["bootstrap", "profile", "delta"])
def test_with_a_floor_known_to_be_zero_the_power_law_is_left(intervals):
    """The same parameters and intervals: what is known has taken no degree of freedom."""
    frame = ladder(floor=0.0, sizes=np.geomspace(1e4, 1e6, 5))
    power = fitted(frame, "power", intervals=intervals, bootstrap=200)
    floor = fitted(frame, "floor", intervals=intervals, bootstrap=200, known={"E": 0.0})
    for name in ("A", "alpha"):
        assert floor.parameters[name] == pytest.approx(power.parameters[name], rel=1e-4)
        assert floor.intervals[name] == pytest.approx(power.intervals[name], rel=1e-3)


def drawn(value, error, *, positive):
    """Of a known parameter, as an oracle draws it."""
    noise = np.random.default_rng(1).standard_normal((20_000, 1)) * error
    return value * np.exp(noise / value) if positive else value + noise


def of_power(x, y):
    """log A = mean(log y + alpha log x)."""
    alpha = drawn(0.35, 0.02, positive=False)
    return np.exp((np.log(y) + alpha * np.log(x)).mean(axis=1))


def of_floor(x, y):
    """E = mean(y - A x^-alpha)."""
    return (y - drawn(8.0, 0.5, positive=True) * x**-0.35).mean(axis=1)


def of_shifted(x, y):
    """log A = mean(log y - alpha log(1 / x + 1 / x0))."""
    x0 = drawn(1e5, 1e4, positive=True)
    return np.exp((np.log(y) - 0.35 * np.log(1 / x + 1 / x0)).mean(axis=1))


@pytest.mark.parametrize(
    ("law", "known", "fitted_one", "oracle", "truth"),
    [
        ("power", {"alpha": (0.35, 0.02)}, "A", of_power, lambda x: 8 * x**-0.35),
        ("floor", {"A": (8.0, 0.5), "alpha": 0.35}, "E", of_floor, lambda x: 0.3 + 8 * x**-0.35),
        ("shifted", {"x0": (1e5, 1e4), "alpha": 0.35}, "A", of_shifted,
         lambda x: 8 * (1 / x + 1e-5) ** 0.35),
    ],
)  # fmt: skip
def test_the_error_of_any_known_parameter_goes_into_the_others(
    law, known, fitted_one, oracle, truth
):
    """On data without noise all spread is the known one's, and least squares are a mean."""
    x = np.geomspace(1e4, 1e6, 6)
    frame = pd.DataFrame({"N": x, "loss": truth(x)})
    residuals = "linear" if law == "floor" else "log"
    options = {"loss": "squares", "residuals": residuals, "bootstrap": 4000}
    found = fitted(frame, law, known=known, **options)
    low, high = np.quantile(oracle(x, frame["loss"].to_numpy()), [0.025, 0.975])
    assert found.intervals[fitted_one] == pytest.approx((low, high), abs=0.05 * (high - low))
    exact = {name: np.atleast_1d(value)[0] for name, value in known.items()}
    without = fitted(frame, law, known=exact, **options)
    assert without.parameters == found.parameters
    assert np.ptp(without.intervals[fitted_one]) < 1e-3 * (high - low)
