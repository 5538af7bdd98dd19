"""Every family trains in the quickstart's place, and more of its parameters reach a lower loss."""

from statistics import mean

import pytest

from models import FAMILIES
from sweeps.manifest import load, loads
from tests.scaling.conftest import values_of

SIZES = ("20k", "40k", "70k")
MEASURED = {  # the last step's loss alone, which is what is compared
    "horizons: {first: 75, count: 5}": "horizons: {first: 600, count: 1}",
    "  distances: {samples: 96, references: 256, steps: 16, metrics: [kid, fd_infinite]}\n": "",
    "  preference: {samples: 96}\n": "  samples: {count: 0}\n",
    "[20k, 40k, 70k, 120k, 250k, 450k]": f"[{', '.join(SIZES)}]",
}


@pytest.mark.exhaustive
@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_one_word_changes_the_quickstarts_family_and_size_still_helps(family, train):
    text = load("quickstart").text.replace("family: dit", f"family: {family}")
    for given, instead in MEASURED.items():
        assert given in text
        text = text.replace(given, instead)
    runs = [run.config for run in loads(text).runs]
    assert {config.model.family for config in runs} == {family}
    losses = []
    for size in SIZES:
        seeds = [config for config in runs if config.model.rung == size]
        directories, outcomes = train(*seeds)
        assert [outcome.status for outcome in outcomes] == ["finished"] * 2
        last = (seeds[0].train.steps, "ema_0.1", "held_out", "importance_weighted_loss", None)
        losses.append(mean(values_of(directory)[last] for directory in directories))
    print(family, [f"{loss:.4f}" for loss in losses])
    assert losses[0] > losses[1] > losses[2]
