"""What is not fitted: too few distinct points for any law, and rows that cannot be compared."""

import numpy as np
import pandas as pd
import pytest

from analysis import LAWS, FitSettings, TableError, Unsupported, fit, read
from analysis.fitting import task
from tests.analysis.ladders import ladder
from tests.analysis.synthetic import write_sweep

ONE_VARIABLE = [n for n, law in LAWS.items() if law.variables == ("x",) and not law.in_metric]


@pytest.mark.parametrize("name", ONE_VARIABLE)
def test_every_law_needs_two_points_more_than_parameters(name):
    law = LAWS[name]
    free = law.free_parameters
    rng = np.random.default_rng(0)
    enough, few = (
        ladder(rng, rungs=n, seeds=3, horizons=(100,)).points for n in (free + 2, free + 1)
    )
    assert task(enough, law, "size").law is law
    with pytest.raises(Unsupported, match=f"{free} parameters .*; there are {free + 1}"):
        task(few, law, "size")


@pytest.mark.parametrize(
    ("law", "known", "points"),
    [
        ("floor", {"E": 0.3}, 4),
        ("floor", {"E": 0.3, "alpha": 0.35}, 3),
        ("power", {"alpha": 0.35}, 3),
    ],
)
def test_known_parameters_need_no_points(law, known, points):
    free = points - 2
    rng = np.random.default_rng(0)
    enough, few = (ladder(rng, rungs=n, horizons=(100,)).points for n in (points, points - 1))
    assert task(enough, LAWS[law], "size", known).law is LAWS[law]
    with pytest.raises(Unsupported, match=f"has {free} parameters? besides those known and needs"):
        task(few, LAWS[law], "size", known)


def test_a_variable_of_which_nothing_is_fitted_may_have_two_values():
    points = ladder(np.random.default_rng(0), rungs=2).points
    with pytest.raises(Unsupported, match="3 or more distinct values of N"):
        task(points, LAWS["joint"], "both")
    assert task(points, LAWS["joint"], "both", {"A": 8.0, "alpha": 0.35}).law.name == "joint"


def test_a_known_parameter_that_no_law_has_is_refused():
    frame = pd.DataFrame({"N": np.geomspace(1e4, 1e6, 8), "loss": np.linspace(2, 1, 8)})
    with pytest.raises(ValueError, match="no law has a parameter 'alhpa'; did you mean 'alpha'"):
        fit(frame, law="power", settings=FitSettings(known={"alhpa": 0.3}))
    with pytest.raises(ValueError, match=r"fit.known.E: a standard error is at least 0, not -0.1"):
        FitSettings(known={"E": (0.3, -0.1)})


def test_seeds_are_not_points():
    points = ladder(np.random.default_rng(0), rungs=4, seeds=10, horizons=(100,)).points
    with pytest.raises(Unsupported, match="there are 4"):
        task(points, LAWS["floor"], "size")


@pytest.mark.parametrize(("rungs", "horizons", "missing"), [(2, 9, "N"), (9, 2, "S")])
def test_the_joint_law_needs_three_values_of_each(rungs, horizons, missing):
    steps = tuple(100 * 2**i for i in range(horizons))
    points = ladder(np.random.default_rng(0), rungs=rungs, horizons=steps).points
    with pytest.raises(Unsupported, match=f"3 or more distinct values of {missing}; there are 2"):
        task(points, LAWS["joint"], "both")


def test_a_missing_column_is_named():
    with pytest.raises(Unsupported, match="the table has no unique_data"):
        task(ladder(np.random.default_rng(0)).points.assign(data=1.0), LAWS["repeated"], "both")


def test_weights_by_standard_error_need_one_in_every_row():
    frame = pd.DataFrame({"size": np.geomspace(1e4, 1e6, 8), "value": np.linspace(2, 1, 8)})
    settings = FitSettings(bootstrap=0, weighting="standard_error")
    with pytest.raises(Unsupported, match="8 of 8 lack one"):
        fit(frame, columns={"parameters": "size"}, law="power", settings=settings)


def test_mixed_protocols_are_refused_by_every_law(tmp_path):
    write_sweep(tmp_path, protocols=("1a2b3c4d", "5e6f7a8b"))
    for law in ("power", "floor", "joint"):
        with pytest.raises(TableError, match="rows of 2 protocols"):
            fit(read(tmp_path), law=law)
