"""Each run as the explorer describes it."""

from typing import Any

from analysis.explorer.numbers import EXACT, number
from analysis.study import Series


def run_views(series: Series) -> list[dict[str, Any]]:
    """Every planned run by size: what it is, what became of it, why it was left out."""
    reasons: dict[str, list[str]] = {}
    for item in series.selection.excluded:
        reasons.setdefault(item.run, []).append(item.reason)
    fitted = set(series.selection.points["run"])
    column = size_column(series)
    views = []
    for run, row in _rows(series).items():
        why = reasons.get(run, [])
        told = row.get("reason")
        why += [told] if isinstance(told, str) and told and told not in "; ".join(why) else []
        views.append(
            {
                "id": run,
                "rung": str(row.get("rung", number(row.get(column), EXACT))),
                "seed": number(row.get("seed"), EXACT),
                "size": number(row.get(column), EXACT),
                "parameters": number(row.get("parameters"), EXACT),
                "rate": number(row.get("learning_rate"), 12),
                "status": str(row.get("status", "finished")),
                "fitted": run in fitted,
                "why": "; ".join(why),
            }
        )
    return sorted(views, key=lambda view: (view["size"] or 0, view["seed"] or 0))


def _rows(series: Series) -> dict[str, dict[str, Any]]:
    """Run to what the table says of it, measured or not."""
    found: dict[str, dict[str, Any]] = {}
    for part in (series.table.runs, series.table.frame):
        for row in part.drop_duplicates("run").to_dict("records") if "run" in part else ():
            run = str(row["run"])
            found[run] = found.get(run, {}) | {str(key): value for key, value in row.items()}
    return found


def size_column(series: Series) -> str:
    """The column of the table that is N; foreign tables know it by another name."""
    called = {theirs: ours for ours, theirs in series.table.mapping.items()}
    return called.get(series.selection.size, series.selection.size)


def rung_names(runs: list[dict[str, Any]]) -> list[str]:
    """Names of all rungs, also of those without a fitted run, in order of size."""
    return list(dict.fromkeys(run["rung"] for run in runs))
