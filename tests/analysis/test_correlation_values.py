"""Which values of a table are correlated, and how they are tabulated."""

import numpy as np
import pandas as pd
import pytest

from analysis.metrics.matrix import correlations
from analysis.metrics.sheets import correlations_sheet
from analysis.metrics.values import scalars
from analysis.selection import select
from analysis.settings import FitSettings
from analysis.table import Table, TableError, from_frame
from tests.analysis.weighted import jitter, sweep_of

RUNG = np.arange(6).repeat(4)


def test_metrics_are_found_where_they_were_measured():
    table, selection = sweep_of(RUNG, {"fid": RUNG + 1.0, "bits": RUNG + 2.0})
    frame = table.frame
    fid, bits = frame["metric"] == "fid", frame["metric"] == "bits"
    frame.loc[fid, "split"], frame.loc[fid, "weights"] = "samples", "raw"
    other = frame[bits].assign(protocol="q", value=0.5)
    activation = frame[bits].assign(metric="activation/block 0")
    frame = pd.concat([frame[~(bits & (frame["run"] == "run 0"))], other, activation])
    table = Table(frame=frame, source="made", digest="0")
    values = scalars(table, selection).values
    assert set(values) == {"importance_weighted_loss", "fid", "bits [p]", "bits [q]"}
    assert list(values["fid"]) == list(RUNG + 1.0)
    assert values["bits [p]"].isna().sum() == 1
    found = {(i.first, i.second, i.view): i for i in correlations(table, selection)}
    assert found["bits [p]", "fid", "across"].rows == 23
    with pytest.raises(TableError, match=r"no values of 'fd'; did you mean 'fid'"):
        scalars(table, selection, ["fd"])


def test_columns_of_measurements_are_told_from_settings_counts_and_names():
    """FID follows the loss of 12 runs, a third metric nothing; all else is not measured."""
    rng = np.random.default_rng(0)
    size, seed = np.repeat(np.geomspace(1e4, 1e6, 6).round(), 2), np.tile([0, 1], 6)
    loss = size**-0.3 * np.exp(0.01 * rng.normal(size=12))
    frame = pd.DataFrame({"N": size, "seed": seed, "loss": loss, "fid": 3 * loss**2})
    frame["accuracy"] = rng.uniform(size=12)
    frame["job"], frame["width"], frame["batch"] = np.arange(12), np.sqrt(size).round(), 32
    frame["weight_decay"], frame["run_time"] = rng.uniform(size=12), rng.uniform(size=12)
    frame["depth_ratio"] = np.repeat(rng.uniform(size=6), 2)  # seeds do not change it
    table = from_frame(frame)
    selection = select(table, FitSettings())
    assert set(scalars(table, selection).values) == {"loss", "fid", "accuracy"}
    found = {(i.first, i.second, i.view): i for i in correlations(table, selection, count=100)}
    assert found["loss", "fid", "across"].spearman.value == pytest.approx(1)
    assert found["loss", "fid", "within_rung"].spearman.value == pytest.approx(1)
    assert abs(found["loss", "accuracy", "across"].spearman.value) < 0.8
    with pytest.raises(TableError, match="did you mean 'fid'"):
        scalars(table, selection, ["fdi"])


def test_the_sheet_has_a_row_for_each_pair_and_view():
    found = correlations(*sweep_of(RUNG, {"fid": np.exp(-RUNG) * jitter(24, 0.01)}))
    sheet = correlations_sheet(found)
    across, within = sheet.rows
    assert across[5].startswith("-0.9")
    assert across[7].endswith("] (logs)")
    assert within[5] == ""  # the size itself does not vary within rungs
