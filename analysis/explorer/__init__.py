"""The data of the report's explorer: one block of JSON a series, small, without not-a-number."""

from typing import Any

from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from analysis.explorer.metrics import metric_views
from analysis.explorer.runs import run_views, rung_names
from analysis.headline import untested
from analysis.rounding import named
from analysis.settings import FitSettings
from analysis.study import Series
from analysis.words import metric_label


def explore(series: Series, settings: FitSettings | None = None) -> dict[str, Any]:
    """Runs, their values of every metric measured at all rungs, and the laws fitted to them.

    Rungs are in order of size; rungs and runs are referred to by their places. The first metric
    and weights are the headline's, as is `law`; others have laws where there are `settings` to fit
    them by. `steps` is None where the table has no steps.
    """
    selection, table = series.selection, series.table
    runs = run_views(series)
    rungs = rung_names(runs)
    law = series.headline_law or ((best := untested(series)) and best.law)
    stepped = "steps" in table.frame and table.frame["steps"].nunique() > 1
    return {
        "size": metric_label(selection.size),
        "steps": metric_label(table.mapping.get("steps", "steps")) if stepped else None,
        "rungs": [named(rung) for rung in rungs],
        "runs": [{**run, "rung": rungs.index(run["rung"])} for run in runs],
        "metrics": metric_views(series, [run["id"] for run in runs], rungs, settings),
        "law": law,
    }


def as_json(data: dict[str, Any]) -> Markup:
    """Compact JSON that is safe inside a script element; ValueError for not-a-number."""
    return htmlsafe_json_dumps(data, separators=(",", ":"), allow_nan=False)
