"""The cheapest model for many samples, asked of a sweep: against a grid of all sizes."""

import numpy as np
import pandas as pd
import pytest

from analysis import FitSettings
from analysis.every_table import SHEETS_IN_DEPTH
from analysis.figures import FIGURES
from analysis.figures.lifetime import lifetime_cost
from analysis.scale import scale_of
from analysis.scale.sheets import lifetimes_sheet
from tests.analysis.surfaces import CHINCHILLA, loss

BATCH = 8.0


@pytest.fixture(scope="module")
def points():
    """Six sizes at six horizons, without noise; a step is of 8 images."""
    size, steps = np.meshgrid(np.geomspace(1e7, 1e10, 6), np.geomspace(1e8, 1e11, 6))
    frame = pd.DataFrame({"size": size.ravel(), "steps": steps.ravel(), "seed": 0})
    frame["flops"] = 6 * frame["size"] * frame["steps"]
    frame["images"] = BATCH * frame["steps"]
    frame["run"] = frame["rung"] = frame["size"].map("{:.6g}".format)
    return frame.assign(value=loss(frame["size"], frame["steps"]))


@pytest.fixture(scope="module")
def found(points):
    return scale_of(points, FitSettings(bootstrap=100)).lifetimes


def cheapest(goal: float, evaluations: float) -> tuple[float, float]:
    """Size and FLOPs, of a hundred thousand sizes: training 6 N S, a third of it an evaluation."""
    p, size = CHINCHILLA, np.geomspace(1e8, 1e12, 100_001)
    gap = goal - p["E"] - p["A"] * size ** -p["alpha"]
    with np.errstate(invalid="ignore", divide="ignore"):
        steps = np.where(gap > 0, (p["B"] / gap) ** (1 / p["beta"]), np.inf)
    total = 6 * size * steps + evaluations * 6 * size / (3 * BATCH)
    best = int(np.nanargmin(total))
    return float(size[best]), float(total[best])


def test_the_cheapest_is_that_of_a_grid(found):
    assert len(found) == 9
    for item in found:
        size, total = cheapest(item.loss, item.images * item.evaluations)
        assert item.size.value == pytest.approx(size, rel=0.01)
        assert item.total.value == pytest.approx(total, rel=0.01)
        assert item.size.low <= item.size.value <= item.size.high


def test_more_samples_want_a_smaller_model_and_punish_a_larger_one(found):
    sizes, waste = [item.size.value for item in found], [item.saved for item in found]
    assert sizes == sorted(sizes, reverse=True)
    assert waste == sorted(waste)
    assert waste[0] < 0.01
    assert sizes[0] == pytest.approx(found[0].training_only.value, rel=0.01)


def test_it_is_told_drawn_and_tabled(points, found):
    scale = scale_of(points, FitSettings(bootstrap=0))
    (told,) = [text for text in scale.sentences() if "images of 50 evaluations" in text]
    assert "times the size that training alone would choose" in told
    figure = lifetime_cost(found)
    assert figure is not None
    left, right = figure.axes
    curve = np.asarray(left.lines[0].get_ydata())
    assert curve == pytest.approx([item.size.value for item in found])
    assert np.asarray(right.lines[0].get_ydata()).max() == pytest.approx(100 * found[-1].saved)
    assert len(lifetimes_sheet(found).rows) == 9
    assert "lifetime" in FIGURES
    assert "lifetimes" in SHEETS_IN_DEPTH


def test_without_images_it_says_why_there_is_none(points):
    scale = scale_of(points.drop(columns="images"), FitSettings(bootstrap=0))
    assert scale.lifetimes == ()
    assert lifetime_cost(scale.lifetimes) is None
    assert "no column images" in scale.refused["lifetime cost"]
