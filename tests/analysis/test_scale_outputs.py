"""Sheets and figures of scale questions: everything found is in them, nothing is left out."""

from dataclasses import replace
from html import escape

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis import FitSettings
from analysis.figures.frontier import compute_frontier
from analysis.figures.isoflop import isoflop_profiles
from analysis.report import render
from analysis.scale import approach3, forward_of, isoflop, lifetime, per_parameter, scale_of, shift
from analysis.scale.sheets import frontier_sheet, isoflop_sheet, lifetimes_sheet, shifts_sheet
from tests.analysis.surfaces import BUDGETS, CHINCHILLA, best, loss, profiles
from tests.analysis.test_scale_shift import SETTINGS, sweep


@pytest.fixture(scope="module")
def scale():
    """Six sizes at six horizons on the Chinchilla surface."""
    size, steps = np.meshgrid(np.geomspace(1e7, 1e10, 6), np.geomspace(1e8, 1e11, 6))
    points = pd.DataFrame({"size": size.ravel(), "steps": steps.ravel()})
    points["flops"] = 6 * points["size"] * points["steps"]
    points["run"] = points["rung"] = points["size"].map("{:.6g}".format)
    noise = np.exp(0.002 * np.random.default_rng(0).standard_normal(len(points)))
    points["seed"], points["value"] = 0, loss(points["size"], points["steps"]) * noise
    return scale_of(points, FitSettings(bootstrap=100))


def test_profiles_left_out_are_listed_and_drawn_hollow():
    frame = profiles(8)
    frame = frame[(frame["flops"] < 5e20) | (frame["size"] > 1.2 * best(BUDGETS[-1]))]
    found = isoflop(frame["size"], frame["flops"], frame["value"], count=0)
    rows = isoflop_sheet(found).rows
    assert len(rows) == 5 and rows[-1][-1].startswith("left out: its lowest loss")
    figure = isoflop_profiles(found, approach3(CHINCHILLA, None, 6.0, middle=1e19))
    left, right = figure.axes
    stars = [line for line in left.lines if line.get_marker() == "*"]
    hollow = [line for line in left.lines if line.get_markerfacecolor() == "white"]
    assert len(stars) == 4 and len(hollow) == 1
    legend = right.get_legend()
    assert legend is not None
    words = [text.get_text() for text in legend.get_texts()]
    assert words == ["parabolas: $N^* \\propto C^{0.452}$", "joint law: $N^* \\propto C^{0.452}$"]
    assert isoflop_sheet(None).rows == ()


def test_a_frontier_has_a_row_for_each_budget_and_way_of_counting(scale):
    rows = frontier_sheet(scale.frontiers).rows
    assert len(rows) == 2 * 14
    assert [row[-1] for row in rows].count("beyond the runs") == 2 * 2
    figure = compute_frontier(scale)
    assert figure is not None
    drawn = [line for line in figure.axes[0].lines if "frontier" in str(line.get_label())]
    assert [len(np.asarray(line.get_xdata())) for line in drawn] == [14, 14]
    assert figure.axes[0].collections  # the intervals
    bare = scale_of(scale.points.drop(columns="flops"), FitSettings(bootstrap=0))
    assert compute_frontier(bare) is None


def test_sheets_of_lifetimes_and_shifts():
    cost = per_parameter(6.0)
    found = lifetime(CHINCHILLA, None, cost, forward_of(cost, 1.0), loss=2.2, images=1e10,
                     evaluations=50)  # fmt: skip
    (row,) = lifetimes_sheet([found]).rows
    assert row[:3] == ("1e+10", "50", "2.2")
    compared = shift(sweep(0), sweep(1, 2.0), settings=SETTINGS)
    (row,) = shifts_sheet([compared]).rows
    assert row[2:4] == ("shifted", "size") and row[4] == str(compared.multiplier)
    assert "one for both" in row
    table = analysis.from_frame(sweep(0).rename(columns={"size": "N", "value": "loss"}))
    study = analysis.analyse([table], analysis.FitSettings(bootstrap=100, laws=("floor",)))
    page = render(replace(study, shifts=(compared,)), "t", [])
    assert "Shifted or steeper?" in page
    assert escape(compared.sentence()) in page
