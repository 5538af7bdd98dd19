"""A ladder on data whose best possible denoiser is known: the shipped manifest `oracle`."""

from itertools import pairwise

import pytest

from scaling.run import Execution, Member, run_cohort
from sweeps.manifest import load
from tests.scaling.conftest import rows_of

WEIGHTS = ("raw", "ema_0.1")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ladder(tmp_path_factory) -> list[list[dict]]:
    """The rows of every rung, smallest first."""
    found = []
    for run in load("oracle").runs:
        directory = tmp_path_factory.mktemp(run.config.model.rung)
        run_cohort([Member(config=run.config, directory=directory)], execution=Execution())
        found.append(rows_of(directory))
    return found


def excess(rows: list[dict], weights: str, metric: str = "excess_loss") -> list[dict]:
    return [r for r in rows if r["metric"] == metric and r["weights"] == weights]


def test_no_model_beats_the_floor_at_any_noise_level(ladder):
    """Two standard errors, paired with the floor on the same images and noise.

    This is 4 sizes x 17 levels x 4 horizons x 2 sets of weights = 544 comparisons, far from
    independent: all share their draws. Were every model exactly at the floor, about a dozen would
    fall below by chance. Trained models are not: their expected excess is the squared distance
    from the best prediction, here at least some four standard errors at every level, so that the
    threshold needs no correction and none may fall below it.
    """
    for rows in ladder:
        for weights in WEIGHTS:
            levels = excess(rows, weights)
            assert len(levels) == 17 * 4
            for row in levels:
                assert row["value"] >= -2 * row["standard_error"], row


@pytest.mark.parametrize("weights", WEIGHTS)
def test_larger_models_come_closer_to_the_floor(ladder, weights):
    means = []
    for rows in ladder:
        found = excess(rows, weights, "importance_weighted_excess_loss")
        last = max(found, key=lambda row: row["horizon"])
        means.append((last["value"], last["standard_error"]))
        assert last["value"] > 5 * last["standard_error"]
    for (larger, one), (smaller, other) in pairwise(means):
        assert larger - smaller > (one**2 + other**2) ** 0.5, means
