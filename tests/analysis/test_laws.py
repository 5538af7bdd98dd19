"""Every law: recovered exactly, indifferent to units, and found by name or in a user's file."""

import numpy as np
import pytest
from matplotlib.mathtext import MathTextParser

from analysis.estimation.estimate import estimate
from analysis.estimation.problem import pose
from analysis.laws import LAWS, evaluate, find

X = {"x": np.geomspace(1e4, 3e7, 12)}
SIZES, STEPS = (
    axis.ravel() for axis in np.meshgrid(np.geomspace(1e6, 1e9, 6), np.geomspace(1e8, 1e11, 7))
)
BOTH = {"N": SIZES, "S": STEPS}
UNIQUE = np.minimum(STEPS, np.resize([1e8, 1e9, 1e12], STEPS.shape))
MEAN = float(np.exp(np.log(X["x"]).mean()))
TRUTHS = {
    "power": (X, {"A": 8, "alpha": 0.3}),
    "floor": (X, {"E": 0.3, "A": 8, "alpha": 0.35}),
    "shifted": (X, {"A": 30, "alpha": 0.4, "x0": 3e6}),
    "saturated": (X, {"E": 0.2, "A": 0.5, "alpha": 0.5, "gamma": 0.6, "m": 4, "x0": MEAN}),
    "broken": (X, {"E": 0.1, "A": 20, "c0": 0.3, "c1": 0.4, "d1": 5e5, "f1": 0.3}),
    "broken2": (
        {"x": np.geomspace(1e4, 3e7, 16)},
        {"E": 0.05, "A": 20, "c0": 0.2, "c1": 0.5, "d1": 1e5, "f1": 0.2}
        | {"c2": -0.4, "g2": 30.0, "f2": 0.2},
    ),
    "joint": (BOTH, {"E": 1.8, "A": 480, "B": 2100, "alpha": 0.35, "beta": 0.37}),
    "kaplan": (BOTH, {"A": 11.4, "alpha": 0.076, "beta": 0.103, "k": 3e3}),
    "repeated": (
        {"N": SIZES, "D": STEPS, "U": UNIQUE},
        {"E": 1.87, "A": 521, "B": 1488, "alpha": 0.353, "beta": 0.36, "R_N": 5.3, "R_D": 15.4},
    ),
    "ceiling": (X, {"C": 0.8, "A": 8, "alpha": 0.3}),
    "preference": (X, {"C": 0.5, "A": 2, "alpha": 0.25}),
    "preference_logit": (X, {"C": 0.5, "H": 30, "alpha": 0.3}),
    "preference_joint": (BOTH, {"C": 0.5, "A": 8, "B": 12, "alpha": 0.25, "beta": 0.2}),
    "metric_to_metric": (
        {"x": np.geomspace(0.3, 1.2, 12)},
        {"E": 1.2, "K": 3.0, "kappa": 1.3, "E0": 0.25},
    ),
}


def fitted(name, variables, values, **options):
    law = LAWS[name]
    problems = pose(law, variables, values, delta=1e-3, linear=law.residuals == "linear", **options)
    return estimate(problems, fixed_delta=False)[1][0]


def test_every_law_has_a_truth_here():
    assert set(TRUTHS) == set(LAWS)


@pytest.mark.parametrize("name", LAWS)
def test_a_law_without_noise_is_recovered_from_the_default_starts(name):
    variables, truth = TRUTHS[name]
    found = fitted(name, variables, evaluate(LAWS[name], truth, variables))
    assert found.parameters == pytest.approx(truth, rel=1e-5)
    assert found.objective < 1e-20


def shaken(name):
    variables, truth = TRUTHS[name]
    values = evaluate(LAWS[name], truth, variables)
    noise = np.random.default_rng(0).normal(0, 3e-4, values.shape)
    return variables, values * np.exp(noise)


@pytest.mark.parametrize("name", [name for name in LAWS if LAWS[name].fixed is None])
def test_units_change_nothing_but_units(name):
    """What a law predicts, in the old units, is the same whatever the new ones are."""
    variables, values = shaken(name)
    scales = dict(zip(variables, (1e-6, 1e3, 1e3), strict=False))
    one = fitted(name, variables, values)
    rescaled = {key: scales[key] * value for key, value in variables.items()}
    two = fitted(name, rescaled, 7 * values)
    assert two.objective == pytest.approx(one.objective, rel=1e-6)
    expected = 7 * evaluate(LAWS[name], one.parameters, variables)
    found = evaluate(LAWS[name], two.parameters, rescaled)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("name", LAWS)
def test_derivatives_are_those_of_the_objective(name):
    """Against central differences of the objective itself, away from the optimum."""
    from analysis.estimation.newton import expand

    variables, values = shaken(name)
    law = LAWS[name]
    problems = pose(law, variables, values, delta=0.05, linear=law.residuals == "linear")
    theta = estimate(problems, fixed_delta=True)[1][0].theta[None] * 1.01 + 0.003
    found, step = expand(problems, theta, bends=True), 1e-5
    for j in np.flatnonzero((problems.lower < problems.upper)[0]):
        moved = [expand(problems, theta + s * step * np.eye(theta.shape[1])[j]) for s in (1, -1)]
        slope = (moved[0].value - moved[1].value) / (2 * step)
        np.testing.assert_allclose(found.gradient[j], slope, rtol=1e-4, atol=1e-4)
        bend = (moved[0].gradient - moved[1].gradient) / (2 * step)
        np.testing.assert_allclose(found.newton[j], bend, rtol=1e-3, atol=0.02)


def test_a_known_floor_is_kept_and_a_wrong_name_is_refused():
    variables, truth = TRUTHS["floor"]
    values = evaluate(LAWS["floor"], truth, variables)
    found = fitted("floor", variables, values, known={"E": 0.25})
    assert found.parameters["E"] == pytest.approx(0.25, rel=1e-12)
    assert found.free == ("A", "alpha")
    assert found.bounds_hit == ()
    with pytest.raises(ValueError, match="F cannot be known: the power law with floor has E, A"):
        fitted("floor", variables, values, known={"F": 1.0})
    with pytest.raises(ValueError, match="A can only be known together with alpha"):
        fitted("floor", variables, values, known={"A": 8.0})


USERS = """
import numpy as np
from analysis.laws import Law, Term, constant
from analysis.laws.law import exponent

LOGARITHMIC = Law(
    name="logarithmic",
    title="floor and an inverse power of the logarithm",
    variables=("x",),
    terms=(
        constant("E"),
        Term(
            coefficient="A",
            log=lambda p, v: -p["alpha"] * np.log(np.log(v["x"]) + 20),
            parameters=("alpha",),
        ),
    ),
    shapes=(exponent("alpha"),),
    formula="y = E + A (log x + 20)^-alpha",
    latex="",
    source="mine",
)
"""


def test_a_users_law_is_found_in_their_file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(USERS)
    law = find(f"{path}:LOGARITHMIC")
    assert law.title.startswith("floor and an inverse")
    assert find(law.name) == law
    with pytest.raises(
        ValueError, match=r"has no analysis\.laws\.Law called 'LOG'; it has LOGARITHM"
    ):
        find(f"{path}:LOG")
    with pytest.raises(ValueError, match="no law 'flor'; did you mean 'floor'"):
        find("flor")


def test_a_law_may_have_any_number_of_breaks():
    """Far below and above its breaks it is a power; the exponents add up."""
    law = find("broken4")
    assert find("broken4") is law
    assert law.derived is not None
    truth = {"E": 0.0, "A": 2.0, "c0": 0.3, "d1": 1e3} | {f"g{i}": 10.0 for i in (2, 3, 4)}
    turns = {f"c{i}": 0.1 * i for i in range(1, 5)} | {f"f{i}": 0.1 for i in range(1, 5)}
    ends = {"x": np.array([1e-9, 1e-8, 1e14, 1e15])}
    low, high = (
        np.log10(evaluate(law, truth | turns, ends))[[1, 3]]
        - np.log10(evaluate(law, truth | turns, ends))[[0, 2]]
    )
    assert (low, high) == pytest.approx((-0.3, -1.3))
    assert law.derived["d4"](truth | turns) == pytest.approx(1e6)
    with pytest.raises(ValueError, match="no law 'broken0'; did you mean 'broken'"):
        find("broken0")


@pytest.mark.parametrize("name", LAWS)
def test_every_formula_can_be_set(name):
    MathTextParser("path").parse(f"${LAWS[name].latex}$")
