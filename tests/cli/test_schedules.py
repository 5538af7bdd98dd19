"""What `scaling schedules` prints and writes."""

import csv

import numpy as np
import pytest
from numpy.testing import assert_allclose

from analysis.formats import write_sheet
from models.diffusion.densities import laplace, truncate
from scaling.cli.aligned import aligned
from scaling.cli.schedule_sheets import levels, summary, weights
from scaling.schedules import profiles
from tests.scaling.conftest import tiny


@pytest.fixture(scope="module")
def curves():
    limits = {"log_snr_min": -8.0, "log_snr_max": 8.0}
    drawn = {"density": {"name": "laplace", "scale": 1.0}}
    even = {"density": {"name": "uniform"}, "implied": {"name": "elbo"}}
    named = [("1", tiny(diffusion=limits | drawn)), ("even", tiny(diffusion=limits | even))]
    return profiles(named)


def test_schedules_are_named(curves):
    table = summary(curves)
    drawn, even = (dict(zip(table.headings, row, strict=True)) for row in table.rows)
    assert drawn["density"] == "laplace (location 0, scale 1)"
    assert drawn["factor"] == "constant on the v-error"
    assert drawn["implied weighting"] == "density times factor"
    assert (drawn["monotone"], even["monotone"]) == ("no", "yes: a likelihood bound")
    assert (even["density"], even["implied weighting"]) == ("uniform", "elbo")
    assert even["factor"] == "what is implied over the density"
    assert (even["-inf..-4"], even["-1..1"]) == ("25.0%", "12.5%")


def test_weights_are_printed_at_some_levels(curves):
    heading, drawn, even = aligned(weights(curves)).splitlines()
    assert_allclose(np.array(heading.split()[-11:], float), np.linspace(-8, 8, 11))
    assert even.split() == ["even", *["1"] * 11]
    assert drawn.split()[6] == "1"


def test_curves_are_written(curves, tmp_path):
    written = write_sheet(levels(curves), tmp_path / "levels")
    assert sorted(path.suffix for path in written) == [".csv", ".md", ".tex"]
    with (tmp_path / "levels.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["schedule"] == "1"]
    level, density, factor, weighting = (
        np.array([float(row[key]) for row in rows])
        for key in ("log_snr", "density", "factor", "implied weighting")
    )
    assert_allclose(level, np.linspace(-8, 8, 41), atol=1e-12)
    assert_allclose(density, truncate(laplace(0.0, 1.0), -8.0, 8.0).pdf(level), rtol=1e-3)
    assert_allclose(factor, 1)
    w = density * (1 + np.exp(-level))  # v-error over epsilon-error
    assert_allclose(weighting, w / w.max(), rtol=2e-3)
    assert "\n1 & " in (tmp_path / "levels.tex").read_text()  # a name, though it looks a number
