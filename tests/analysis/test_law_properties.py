"""Of every law, whatever its parameters: recovery, and indifference to units and to rows' order."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import analysis
from analysis.laws import LAWS, evaluate
from tests.analysis.law_truths import RANGES, truths, variables_of

FREE = analysis.FitSettings(bootstrap=0)
COLUMNS = {"N": "parameters", "S": "steps", "D": "data", "U": "unique_data", "x": "parameters"}
EXAMPLES = {"saturated": 1, "broken": 2, "broken2": 1, "repeated": 1, "kaplan": 2}
"""How many truths of a law are tried whose fits take long; of the others 5."""
DEAR = {"saturated", "broken", "broken2", "repeated"}
"""Those whose units and rows change only in the slow run."""
SHAKEN = [pytest.param(law, marks=[pytest.mark.slow] * (law in DEAR)) for law in LAWS]


def fitted(law, variables, values, order=None):
    frame = pd.DataFrame({COLUMNS[name]: column for name, column in variables.items()})
    frame = frame.assign(value=values, run=[f"r{i}" for i in range(len(values))])
    frame = frame if order is None else frame.iloc[order]
    if LAWS[law].in_metric:
        frame = frame.rename(columns={"parameters": "other"}).assign(parameters=1e6)
        return analysis.fit(frame, law=law, settings=FREE, along="other")
    return analysis.fit(frame, law=law, settings=FREE)


def recovered(law, truth):
    variables = variables_of(law)
    found = fitted(law, variables, evaluate(LAWS[law], truth, variables))
    assert found.parameters == pytest.approx(truth, rel=1e-4)
    assert found.objective < 1e-12


def indifferent(law, truth, seed, units):
    """What a fit of noisy data predicts, in the old units, from rescaled and shuffled rows."""
    rng, variables = np.random.default_rng(seed), variables_of(law)
    exact = evaluate(LAWS[law], truth, variables)
    values = exact * np.exp(rng.normal(0, 3e-4, exact.shape))
    scales = dict(zip(variables, (*units[1:], 1.0), strict=False))
    if "U" in scales:
        scales["U"] = scales["D"]  # both count examples
    height = units[0] if LAWS[law].fixed is None else 1.0
    scaled = {name: scales[name] * column for name, column in variables.items()}
    one = fitted(law, variables, values)
    expected = one.predict(**variables)
    other = fitted(law, scaled, height * values).predict(**scaled) / height
    np.testing.assert_allclose(other, expected, rtol=1e-5)
    shuffled = fitted(law, variables, values, rng.permutation(len(values)))
    np.testing.assert_allclose(shuffled.predict(**variables), expected, rtol=1e-5)
    assert shuffled.objective == pytest.approx(one.objective, rel=1e-6)


SEEDS = st.integers(0, 2**32 - 1)
UNITS = st.tuples(*[st.floats(-6, 6).map(lambda power: 10.0**power)] * 3)


@pytest.mark.parametrize("law", LAWS)
def test_a_law_without_noise_is_recovered_from_the_default_starts(law):
    tried = settings(max_examples=EXAMPLES.get(law, 5), deadline=None)
    tried(given(truths(law))(lambda truth: recovered(law, truth)))()


@pytest.mark.parametrize("law", SHAKEN)
def test_neither_units_nor_the_order_of_rows_change_a_fit(law):
    tried = settings(max_examples=min(EXAMPLES.get(law, 2), 2), deadline=None)
    drawn = given(truths(law), SEEDS, UNITS)
    tried(drawn(lambda truth, seed, units: indifferent(law, truth, seed, units)))()


def test_every_law_has_ranges_here():
    assert set(RANGES) == set(LAWS)
