"""The inference setting that each rung chose, beside the one that the manifest fixes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import nan
from statistics import NormalDist
from typing import TYPE_CHECKING

import pandas as pd

from analysis.sample_metrics import REAL, Measured, mean_of
from analysis.table.model import Table, TableError

if TYPE_CHECKING:
    from analysis.selection import Selection

COST = "sampling/"
"""How metrics begin that say what an image costs."""
EVALUATIONS, FLOPS = f"{COST}network_evaluations", f"{COST}flops"
"""How often a network is asked for an image, and what that comes to in FLOPs."""

CHOSEN = "chosen"
"""What the weights are called where runs chose different ones."""


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """One rung: settings and how many of its runs chose each, most chosen first.

    `fixed` and `best` are means over its runs by metric, `evaluations` those of the network for an
    image at either, and `flops` what these come to (nan where that was not recorded).
    """

    rung: str
    size: float
    runs: int
    settings: tuple[tuple[str, int], ...]
    fixed: dict[str, Measured]
    best: dict[str, Measured]
    evaluations: tuple[float, float]
    flops: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Inference:
    """Rungs, smallest first, and what they chose by: `least` kid of so many samples a setting.

    `grid` are means over the largest rung's runs of that metric at every setting, by its name.
    """

    rungs: tuple[Chosen, ...]
    metric: str
    rule: str
    tried_on: int
    measured_on: int
    grid: dict[str, Measured]


def at(table: Table, metric: str, inference: str) -> Table:
    """The table with the best setting's values in the fixed one's place, for "best".

    TableError where the metric was not measured at a best setting.
    """
    if inference == "fixed":
        return table
    found = table.tried
    best = found[found["inference"] == "best"] if len(found) else found
    if metric not in set(best.get("metric", ())):
        raise TableError(
            f"{table.source}: no {metric} at a best inference setting; a sweep has it where its "
            "manifest's measure.distances.inference lists settings to choose from"
        )
    best = best[~best["metric"].str.contains("/")].drop(columns=["inference", "setting"])
    if best["weights"].nunique() > 1:
        best = best.assign(weights=CHOSEN)
    replaced = table.frame["metric"].isin(best["metric"]) & (table.frame["weights"] != REAL)
    frame = pd.concat([table.frame[~replaced], best[table.frame.columns]], ignore_index=True)
    return replace(table, frame=frame)


def inference_of(
    table: Table, selection: "Selection", left_out: Sequence[str], confidence: float
) -> Inference | None:
    """Of the runs selected and the finished `left_out`; None where nothing was tried."""
    frame = table.tried
    if frame.empty:
        return None
    chosen = {*selection.points["run"], *left_out}
    frame = frame[(frame["status"] == "finished") & frame["run"].astype(str).isin(chosen)]
    frame = frame[frame["value"].notna()]
    of_cost = frame["metric"].str.startswith(COST)
    costs, frame = frame[of_cost], frame[~frame["metric"].str.contains("/")]
    best = frame[frame["inference"] == "best"]
    tried = frame[frame["inference"] == "candidate"]
    protocols = best["protocol"].dropna().unique()
    if best.empty or tried.empty or len(protocols) > 1:
        return None
    fixed = frame[(frame["inference"] == "") & (frame["steps"] == best["steps"].max())]
    column = "parameters_non_embedding" if selection.size not in best else selection.size
    reach = NormalDist().inv_cdf((1 + confidence) / 2)
    rungs = []
    for rung, group in best.groupby("rung"):
        names = group.drop_duplicates("run")["setting"].value_counts()
        runs = costs[costs["run"].isin(group["run"])]
        rungs.append(
            Chosen(
                rung=str(rung),
                size=float(group[column].iloc[0]),
                runs=int(group["run"].nunique()),
                settings=tuple((str(name), int(count)) for name, count in names.items()),
                fixed=_means(fixed[fixed["run"].isin(group["run"])], reach),
                best=_means(group, reach),
                evaluations=_at_either(runs, EVALUATIONS),
                flops=_at_either(runs, FLOPS),
            )
        )
    rungs.sort(key=lambda item: item.size)
    largest = tried[tried["rung"].astype(str) == rungs[-1].rung]
    told = table.protocols.get(str(protocols[0]), {}) if len(protocols) else {}
    metric = str(tried["metric"].iloc[0])
    return Inference(
        rungs=tuple(rungs),
        metric=metric,
        rule=told.get("inference", {}).get("chosen", f"best {metric}"),
        tried_on=int(tried["count"].min()),
        measured_on=int(best["count"].min()),
        grid={
            str(name): mean_of(part, reach) for name, part in largest.groupby("setting", sort=False)
        },
    )


def _at_either(costs: pd.DataFrame, metric: str) -> tuple[float, float]:
    """Mean over runs at the fixed setting and at the best."""
    of = costs[costs["metric"] == metric].groupby("inference")["value"].mean()
    return float(of.get("", nan)), float(of.get("best", nan))


def _means(rows: pd.DataFrame, reach: float) -> dict[str, Measured]:
    return {
        str(metric): mean_of(part, reach) for metric, part in rows.groupby("metric", sort=False)
    }
