"""The Frechet distance of ever fewer samples, along the ladder, and its limit at infinitely many.

Rows of a metric `fd/k` are means over k disjoint shares of the samples, with a share's `count`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.sample_metrics import REAL, Measured
from analysis.study import Series

LIMIT, SHARES = "fd_infinite", ("fd/1", "fd/2", "fd/3", "fd/4")
ON_THE_LINE = 3
"""The first shares are extrapolated from; the last shows how far from a line they lie."""


@dataclass(frozen=True, kw_only=True)
class LimitLine:
    """Of a rung, or of real images where `rung` is None: FD is about limit + slope / count."""

    rung: str | None
    counts: NDArray[np.float64]
    values: NDArray[np.float64]
    limit: Measured

    @property
    def slope(self) -> float:
        """Of the line through the shares it is fitted to (Chong & Forsyth 2020)."""
        per_sample = 1 / self.counts[:ON_THE_LINE]
        return float(np.polyfit(per_sample, self.values[:ON_THE_LINE], 1)[0])


def limit_lines(series: Series) -> tuple[LimitLine, ...]:
    """Rungs smallest first, then the control; none where no shares were measured."""
    found = next((item for item in series.sample_metrics if item.metric == LIMIT), None)
    if found is None:
        return ()
    frame = series.table.frame
    last = frame["steps"] == found.steps
    rows = frame[last & frame["metric"].isin(SHARES) & frame["value"].notna()]
    if "inference" in rows:
        rows = rows[rows["inference"].isna() | (rows["inference"] == "")]
    of_rungs = rows[rows["weights"] == found.weights]
    return tuple(
        [
            line
            for rung in found.rungs
            for line in _line(of_rungs[of_rungs["rung"] == rung.rung], rung.rung, rung.mean)
        ]
        + list(_line(rows[rows["weights"] == REAL], None, found.control))
    )


def _line(rows: pd.DataFrame, rung: str | None, limit: Measured) -> Iterator[LimitLine]:
    means = rows.groupby("metric")[["count", "value"]].mean()
    if set(SHARES) <= set(means.index):
        counts, values = means.loc[list(SHARES)].to_numpy(float).T
        yield LimitLine(rung=rung, counts=counts, values=values, limit=limit)
