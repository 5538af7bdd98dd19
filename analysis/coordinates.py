"""How the size of activations, and of their change in training, depends on width.

Where hyper-parameters transfer along width neither depends on it (arXiv 2203.03466, app. D.1).
"""

from dataclasses import dataclass

import numpy as np

from analysis.line import line
from analysis.selection import Selection
from analysis.table import Table

METRICS = {"activation_change": "change in training", "activation": "size"}
"""What is recorded of a layer, as `metric/layer`, and its name in words."""


@dataclass(frozen=True, kw_only=True)
class Coordinate:
    """One layer's root mean square at the last horizon over widths, means over runs.

    `slope` is that of log value over log width; its error is nan for two widths.
    """

    metric: str
    layer: str
    steps: float
    widths: tuple[float, ...]
    values: tuple[float, ...]
    slope: float
    standard_error: float


def coordinates(table: Table, selection: Selection) -> tuple[Coordinate, ...]:
    """Every layer of the selected runs, in the order of the table; none for fewer than two widths.

    A width's seeds are averaged first, so that the slope's error holds its lack of fit too.
    """
    frame = table.frame
    if table.foreign or "width" not in frame:
        return ()
    found = []
    of_runs = frame[frame["run"].astype(str).isin(selection.points["run"])]
    for metric in METRICS:
        rows = of_runs[of_runs["metric"].astype(str).str.startswith(f"{metric}/")]
        rows = rows[rows["steps"] == rows["steps"].max()]
        for name, layer in rows.groupby("metric", sort=False):
            means = layer[layer["value"] > 0].groupby("width")["value"].mean()
            if len(means) < 2:
                continue
            fitted = line(np.log(means.index.to_numpy(float)), np.log(means.to_numpy(float)))
            found.append(
                Coordinate(
                    metric=metric,
                    layer=str(name).removeprefix(f"{metric}/"),
                    steps=float(layer["steps"].iloc[0]),
                    widths=tuple(map(float, means.index)),
                    values=tuple(map(float, means)),
                    slope=fitted.slope,
                    standard_error=fitted.standard_error,
                )
            )
    return tuple(found)
