"""Ticks of losses: round values within a decade, powers of ten beyond."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from analysis.figures.style import log_loss


def ticks(low, high, minor=False):
    axes = Figure().add_subplot()
    axes.plot([1, 2], [low, high])
    log_loss(axes)
    axes.set_ylim(low, high)
    found = axes.yaxis.get_ticklocs(minor=minor)
    return [float(value) for value in found if low <= value <= high]


@pytest.mark.parametrize(("low", "high"), [(0.003, 2), (1e-4, 5), (0.02, 0.9), (1e-6, 3)])
def test_every_decade_has_a_label(low, high):
    found = ticks(low, high)
    powers = 10.0 ** np.arange(np.ceil(np.log10(low)), np.floor(np.log10(high)) + 1)
    assert {f"{power:.3g}" for power in powers} <= {f"{value:.3g}" for value in found}
    assert len(found) <= 9
    assert len(ticks(low, high, minor=True)) > len(found)


def test_within_a_decade_values_are_round_and_stand_alone():
    assert ticks(0.31, 0.34) == pytest.approx([0.31, 0.32, 0.33, 0.34])
    assert ticks(0.31, 0.34, minor=True) == []
