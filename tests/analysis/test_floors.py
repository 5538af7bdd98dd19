"""A floor that the data do not identify is called so in the table, the figure and the JSON."""

import json

import pytest

import analysis
from analysis.figures.size import scaling_in_size
from analysis.figures.steps import scaling_in_steps
from analysis.fit_sheets import NOT_IDENTIFIED, fits_sheet
from tests.analysis.synthetic import write_sweep


def analyse(source, **choices):
    settings = analysis.FitSettings(**{"bootstrap": 100, **choices})
    return analysis.analyse([analysis.read(source)], settings)


def texts(figure) -> str:
    return " ".join(text.get_text() for axes in figure.axes for text in axes.texts)


@pytest.fixture(scope="module")
def steps():
    """Gu's largest model along its training: eleven horizons, whose floor is not identified."""
    return analyse("example:gu_2024_steps")


def test_in_the_table(steps):
    sheet = fits_sheet(steps.series[0])
    row = next(row for row in sheet.rows if row[1] == "steps of 671320000")
    assert row[sheet.headings.index("E")] == NOT_IDENTIFIED
    assert row[-1].startswith("E: ")


def test_in_the_figure_with_the_law(steps):
    figure = scaling_in_steps(steps.series[0])
    assert figure is not None
    assert texts(figure) == "floor E not identified"
    drawn = [line for line in figure.axes[0].lines if line.get_linestyle() == "-"]
    assert [len(line.get_xdata()) for line in drawn] == [100]
    assert scaling_in_size(steps.series[0]) is None  # there is but one


def test_in_the_json(steps):
    (series,) = json.loads(steps.to_json())["series"]
    (fit,) = [item["fit"] for item in series["fits"] if item["rung"]]
    assert "E" in fit["not_identified"]


def test_the_law_of_all_rungs_is_drawn_where_none_could_be_held_out():
    (series,) = analyse("example:gu_2024_sizes", bootstrap=0).series
    figure = scaling_in_size(series)
    assert figure is not None
    labels = [str(text.get_text()) for text in figure.axes[0].get_legend().get_texts()]
    assert labels == ["fitted runs", "power law"]


def test_a_figure_without_a_law_says_why(tmp_path):
    write_sweep(tmp_path, rungs=2, seeds=1)
    (series,) = analyse(tmp_path, bootstrap=0, laws=("power",)).series
    for draw in (scaling_in_size, scaling_in_steps):
        figure = draw(series)
        assert figure is not None
        assert texts(figure).startswith("no law: ")
