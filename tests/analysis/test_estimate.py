"""The estimator against published numbers, exact recovery and invariances."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.estimation.starts import nonnegative_least_squares

FREE = analysis.FitSettings(bootstrap=0)
HOFFMANN = analysis.FitSettings(bootstrap=0, huber_delta=1e-3)
COLUMNS = {"parameters": "N", "steps": "S", "value": "loss"}


@pytest.fixture(scope="module")
def chinchilla() -> pd.DataFrame:
    frame = pd.read_csv(Path(__file__).parent / "data" / "chinchilla_2022.csv")
    frame["S"] = frame["Training FLOP"] / (6 * frame["Model Size"])
    frame = frame.rename(columns={"Model Size": "N"}).sort_values("loss")
    return frame[["N", "S", "loss"]].iloc[:-5]


def grid(law: str, parameters: dict[str, float]) -> pd.DataFrame:
    sizes, steps = np.geomspace(1e4, 3e6, 7), np.geomspace(100, 1e4, 6)
    size, step = (axis.ravel() for axis in np.meshgrid(sizes, steps))
    variables = {"N": size, "S": step} if law == "joint" else {"x": size}
    loss = analysis.evaluate(analysis.LAWS[law], parameters, variables)
    return pd.DataFrame({"N": size, "S": step, "loss": loss})


def test_chinchilla_reaches_the_published_optimum(chinchilla):
    """Besiroglu et al. 2024, to eight digits of the objective."""
    fit = analysis.fit(chinchilla, law="joint", columns=COLUMNS, settings=HOFFMANN)
    assert fit.objective == pytest.approx(0.00101827402, abs=5e-12)
    assert fit.parameters["A"] == pytest.approx(477.83, abs=0.01)
    assert fit.parameters["B"] == pytest.approx(2143.4, abs=0.1)
    assert fit.parameters["E"] == pytest.approx(1.81722, abs=1e-5)
    assert fit.parameters["alpha"] == pytest.approx(0.34731, abs=1e-5)
    assert fit.parameters["beta"] == pytest.approx(0.36717, abs=1e-5)
    assert fit.share_at_best >= 0.95
    assert fit.gradient_norm < 1e-6
    assert fit.bounds_hit == ()


def test_chinchilla_intervals_agree_with_the_published_bootstrap(chinchilla):
    """Case-bootstrap intervals of Besiroglu et al., from 4,000 replicates as there."""
    settings = analysis.FitSettings(huber_delta=1e-3, bootstrap=4000)
    fit = analysis.fit(chinchilla, law="joint", columns=COLUMNS, settings=settings)
    published = {
        "A": (285, 744),
        "B": (1042, 5810),
        "E": (1.769, 1.871),
        "alpha": (0.317, 0.373),
        "beta": (0.331, 0.415),
    }
    assert fit.bootstrap == "cases"
    for name, interval in published.items():
        width = interval[1] - interval[0]
        assert fit.intervals[name] == pytest.approx(interval, abs=0.1 * width), name
    assert fit.not_identified == {}


@pytest.mark.parametrize("law", ["power", "floor", "joint"])
def test_scaling_the_variables_scales_the_coefficients(law):
    """x -> ax, y -> by leaves exponents alone; A becomes b A a^alpha."""
    rng = np.random.default_rng(0)
    truth = {"E": 0.3, "A": 8.0, "alpha": 0.35, "B": 4.0, "beta": 0.6}
    frame = grid(law, truth)
    frame["loss"] *= np.exp(rng.normal(0, 0.01, len(frame)))
    scaled = frame.assign(N=frame["N"] * 1e3, loss=frame["loss"] * 7)
    one, two = (
        analysis.fit(part, law=law, columns=COLUMNS, settings=FREE) for part in (frame, scaled)
    )
    assert two.parameters["alpha"] == pytest.approx(one.parameters["alpha"], rel=1e-7)
    expected = 7 * one.parameters["A"] * 1e3 ** one.parameters["alpha"]
    assert two.parameters["A"] == pytest.approx(expected, rel=1e-6)
    assert two.objective == pytest.approx(one.objective, rel=1e-9)


def noisy_ladder(deviation: float, repeats: int, seed: int = 0) -> pd.DataFrame:
    truth = {"E": 0.3, "A": 8.0, "alpha": 0.35}
    frame = pd.concat([grid("floor", truth).query("S == 100")] * repeats, ignore_index=True)
    noise = np.random.default_rng(seed).normal(0, deviation, len(frame))
    return frame.assign(loss=frame["loss"] * np.exp(noise))


def test_delta_follows_the_noise():
    """1.345 standard deviations (Holland & Welsch 1977), to the error of a median."""
    for deviation in (0.005, 0.05):
        fit = analysis.fit(
            noisy_ladder(deviation, 300), law="floor", columns=COLUMNS, settings=FREE
        )
        assert fit.huber_delta == pytest.approx(1.345 * deviation, rel=0.05)


def test_the_best_optimum_does_not_depend_on_rounding():
    """With a tiny delta, two seeds a rung leave a whole family of curves equally good."""
    frame = noisy_ladder(0.02, 2)
    shaken = frame.assign(loss=frame["loss"] * (1 + 1e-9))
    one, two = (
        analysis.fit(part, law="floor", columns=COLUMNS, settings=FREE) for part in (frame, shaken)
    )
    assert one.parameters == pytest.approx(two.parameters, rel=1e-5)
    assert one.share_at_best > 0.9


def test_outliers_hardly_move_a_fit():
    """One run in ten 30 % too high moves least squares far more than the default."""
    frame = noisy_ladder(0.005, 20)
    spoiled = frame.assign(loss=np.where(frame.index % 10 == 0, 1.3, 1) * frame["loss"])
    squares = analysis.FitSettings(bootstrap=0, huber_delta=10)
    moved = {}
    for name, chosen in (("default", FREE), ("squares", squares)):
        clean, dirty = (
            analysis.fit(part, law="floor", columns=COLUMNS, settings=chosen).predict(x=1e6)
            for part in (frame, spoiled)
        )
        moved[name] = abs(np.log(dirty / clean))
    assert moved["default"] < 0.003
    assert moved["squares"] > 5 * moved["default"]


def test_the_order_of_rows_does_not_matter(chinchilla):
    shuffled = chinchilla.sample(frac=1, random_state=1)
    one, two = (
        analysis.fit(part, law="joint", columns=COLUMNS, settings=FREE)
        for part in (chinchilla, shuffled)
    )
    assert two.parameters == pytest.approx(one.parameters, rel=1e-7)


def test_nonnegative_least_squares_agrees_with_scipy():
    from scipy.optimize import nnls

    rng = np.random.default_rng(3)
    design = rng.normal(size=(40, 12, 3))
    ours = nonnegative_least_squares(design, np.ones((40, 12)))
    theirs = [nnls(matrix, np.ones(12))[0] for matrix in design]
    np.testing.assert_allclose(ours, theirs, atol=1e-8)


def test_the_objective_agrees_with_scipys_minimiser(chinchilla):
    """A second implementation, from the published values, finds nothing lower."""
    from scipy.optimize import minimize
    from scipy.special import huber, logsumexp

    n, s, y = (np.log(chinchilla[name].to_numpy()) for name in ("N", "S", "loss"))

    def objective(theta):
        e, a, b, alpha, beta = theta
        terms = np.stack([np.full_like(n, e), a - alpha * n, b - beta * s])
        return huber(1e-3, logsumexp(terms, axis=0) - y).sum()

    fit = analysis.fit(chinchilla, law="joint", columns=COLUMNS, settings=HOFFMANN)
    p = fit.parameters
    best = [np.log(p["E"]), np.log(p["A"]), np.log(p["B"]), p["alpha"], p["beta"]]
    assert objective(best) == pytest.approx(fit.objective, rel=1e-9)
    polished = minimize(objective, best, method="Nelder-Mead", options={"maxiter": 400})
    assert polished.fun >= fit.objective * (1 - 1e-9)


def uneven_line():
    """x, log of values that miss 8 x^-0.35 by up to a few per cent, and their standard errors."""
    rng = np.random.default_rng(11)
    x = np.geomspace(1e4, 1e6, 9)
    error = rng.uniform(0.005, 0.05, x.size)
    return x, np.log(8 * x**-0.35) + error * rng.standard_normal(x.size), error


@pytest.mark.parametrize("residuals", ["log", "linear"])
def test_weights_by_standard_error_are_those_of_least_squares(residuals):
    """Of E + A x^-0.35, or of log A - alpha log x; the error of a logarithm is the relative one."""
    x, logs, error = uneven_line()
    y = np.exp(logs)
    design, goal, scale = (
        (np.stack([np.ones_like(x), x**-0.35], 1), y, error * y)
        if residuals == "linear"
        else (np.stack([np.ones_like(x), -np.log(x)], 1), logs, error)
    )
    expected = np.linalg.lstsq(design / scale[:, None], goal / scale)[0]
    frame = pd.DataFrame({"N": x, "loss": y, "standard_error": error * y})
    law, known = ("floor", {"alpha": 0.35}) if residuals == "linear" else ("power", {})
    settings = analysis.FitSettings(
        bootstrap=0, loss="squares", residuals=residuals, weighting="standard_error", known=known
    )
    found = analysis.fit(frame, law=law, settings=settings).parameters
    if residuals == "linear":
        assert (found["E"], found["A"]) == pytest.approx(expected, rel=1e-6)
    else:
        assert (np.log(found["A"]), found["alpha"]) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("asymmetry", [0.1, 3.0])
def test_asymmetric_squares_are_weighted_by_the_side_of_the_law(asymmetry):
    """An expectile: least squares in which what ends above the law weighs `asymmetry`."""
    x, logs, _ = uneven_line()
    design, weights = np.stack([np.ones_like(x), -np.log(x)], 1), np.ones_like(x)
    expected = np.zeros(2)
    for _ in range(100):
        root = np.sqrt(weights)
        expected = np.linalg.lstsq(design * root[:, None], logs * root)[0]
        weights = np.where(logs > design @ expected, asymmetry, 1.0)
    settings = analysis.FitSettings(bootstrap=0, loss="squares", asymmetry=asymmetry)
    frame = pd.DataFrame({"N": x, "loss": np.exp(logs)})
    found = analysis.fit(frame, law="power", settings=settings).parameters
    assert (np.log(found["A"]), found["alpha"]) == pytest.approx(expected, rel=1e-6)
