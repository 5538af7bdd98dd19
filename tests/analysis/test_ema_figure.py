"""The figure of average widths, on a table whose best width is known."""

import numpy as np
import pandas as pd

import analysis
from analysis.figures.ema import ema_widths
from analysis.table import Table


def with_widths(table: Table, widths: tuple[float, ...]) -> Table:
    """The table and, at the last horizon, averages whose loss is least at width 0.1."""
    frame = table.frame
    last = frame[
        (frame["weights"] == "ema_0.1")
        & (frame["metric"] == "importance_weighted_loss")
        & (frame["steps"] == frame["steps"].max())
    ]
    made = [
        last.assign(
            weights=f"ema_{width:g}", value=last["value"] * (1 + np.log(width / 0.1) ** 2 / 50)
        )
        for width in widths
    ]
    return Table(
        frame=pd.concat([frame, *made], ignore_index=True),
        source=table.source,
        digest=table.digest,
        runs=table.runs,
        protocols=table.protocols,
        directory=table.directory,
    )


def test_every_rung_is_least_where_the_table_is(sweep):
    settings = analysis.FitSettings(bootstrap=0)
    table = with_widths(analysis.read(sweep), (0.03, 0.05, 0.2))
    (series,) = analysis.analyse([table], settings).series
    # Averages of the last horizon alone do not displace the one that was tracked.
    assert series.selection.weights == "ema_0.1"
    figure = ema_widths(series)
    lines = figure.axes[0].lines
    assert len(lines) == len(series.rungs)
    for line in lines:
        width, percent = line.get_xdata(), line.get_ydata()
        np.testing.assert_allclose(width, [0.03, 0.05, 0.1, 0.2])
        np.testing.assert_allclose(percent, 2 * np.log(np.asarray(width) / 0.1) ** 2, atol=1e-6)


def test_with_fewer_widths_there_is_nothing_to_draw(sweep):
    settings = analysis.FitSettings(bootstrap=0)
    (series,) = analysis.analyse([analysis.read(sweep)], settings).series
    assert ema_widths(series) is None
