"""The Frechet distance of ever fewer samples: lines that are known come back, and are drawn."""

import json

import numpy as np
import pandas as pd
import pytest

from analysis import FitSettings, analyse
from analysis.explorer import explore
from analysis.figures import draw
from analysis.in_depth import in_depth
from analysis.limit_lines import limit_lines
from analysis.report import write_report
from analysis.sample_sheets import distances_of
from analysis.table import read
from tests.analysis.synthetic import write_sweep

SLOPE, SAMPLES = 900.0, 240


def truth(size):
    return 5 + 300 * size**-0.3


def frechet_sweep(directory):
    """FD at infinity a power of size, and at n samples SLOPE / n above it; real images: 5."""
    write_sweep(directory, seeds=2)
    frame = pd.read_parquet(directory / "measurements.parquet")
    last = frame[(frame["steps"] == frame["steps"].max()) & (frame["weights"] == "ema_0.1")]
    rows = last[last["metric"] == "uniform_loss"].assign(
        standard_error=0.5, protocol="5a5a5a5a", count=SAMPLES
    )
    limit = truth(rows["parameters_non_embedding"].to_numpy(float))
    made = [rows.assign(metric="fd_infinite", value=limit)]
    made += [
        rows.assign(metric=f"fd/{k}", value=limit + SLOPE * k / SAMPLES, count=SAMPLES // k)
        for k in (1, 2, 3, 4)
    ]
    found = pd.concat(made)
    of_size = truth(found["parameters_non_embedding"].to_numpy(float))
    real = found.assign(weights="real", value=found["value"] - of_size + 5, protocol="7c7c7c7c")
    pd.concat([frame, found, real]).to_parquet(directory / "measurements.parquet")
    known = json.loads((directory / "protocols.json").read_text())
    added = {"5a5a5a5a": {"images": "samples"}, "7c7c7c7c": {"images": "training"}}
    (directory / "protocols.json").write_text(json.dumps(known | added))
    return analyse([read(directory)], FitSettings(bootstrap=100))


def test_every_rung_and_real_images_have_their_line(tmp_path):
    (series,) = frechet_sweep(tmp_path).series
    *rungs, real = limit_lines(series)
    assert [line.rung for line in rungs] == [item.rung for item in distances_of(series)[0].rungs]
    assert real.rung is None
    for line in (*rungs, real):
        assert line.slope == pytest.approx(SLOPE, rel=1e-6)
        np.testing.assert_allclose(line.values, line.limit.value + SLOPE / line.counts, rtol=1e-9)
    assert real.limit.value == pytest.approx(5)
    assert [item.metric for item in distances_of(series)] == ["fd_infinite"]


def test_the_report_draws_them_and_takes_no_share_for_a_metric(tmp_path):
    study = in_depth(frechet_sweep(tmp_path))
    assert "limit_lines" in {item.name for item in draw(study, ["limit_lines"])}
    page = write_report(study, tmp_path / "report.html").read_text()
    assert "their halves, thirds and quarters" in page
    (series,) = study.series
    assert not any(
        "fd/" in name for pair in series.correlations for name in (pair.first, pair.second)
    )
    assert not any("fd/" in view["label"] for view in explore(series)["metrics"])
