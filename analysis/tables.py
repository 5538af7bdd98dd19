"""A study as sheets of text: runs, rungs, hold-outs, comparisons."""

import math

from analysis.formats import Sheet
from analysis.laws import find
from analysis.rounding import rounded, with_error
from analysis.rungs import Mean
from analysis.study import Series, Study


def runs_sheet(series: Series) -> Sheet:
    """Every planned run: what became of it, its final value, why it was left out."""
    points, last = series.selection.points, series.selection.horizons[-1:]
    final = points[points["steps"].isin(last)]
    values = {run: f"{v:.5g}" for run, v in zip(final["run"], final["value"], strict=True)}
    excluded: dict[str, list[str]] = {}
    for item in series.selection.excluded:
        excluded.setdefault(item.run, []).append(item.reason)
    runs = series.table.runs
    headings = ("run", "rung", "seed", "rate", "parameters", "status", "step", "seconds",
                "input wait", "value", "note")  # fmt: skip
    if runs.empty:
        first = points.drop_duplicates("run")
        rows = [
            (row["run"], row["rung"], str(row["seed"]), "", f"{row['size']:,.0f}", "", "", "", "",
             values.get(row["run"], ""), "")
            for row in first.to_dict("records")
        ]  # fmt: skip
        missing = [run for run in excluded if run not in set(first["run"])]
        rows += [(run, *[""] * (len(headings) - 2), "; ".join(excluded[run])) for run in missing]
        return Sheet(title="Runs", headings=headings, rows=tuple(rows))
    rows = []
    for row in runs.to_dict("records"):
        run = str(row["run"])
        reason = row.get("reason")
        notes = [reason] if isinstance(reason, str) and reason else []
        notes += [f"not fitted: {text}" for text in excluded.get(run, [])]
        rows.append(
            (
                run,
                str(row["rung"]),
                _whole(row.get("seed")),
                f"{row['learning_rate']:g}" if series.rates else "",
                _whole(row.get("parameters")),
                str(row.get("status")),
                _whole(row.get("step")),
                _whole(row.get("seconds")),
                _share(row.get("waited")),
                values.get(run, ""),
                "; ".join(notes),
            )
        )
    return Sheet(title="Runs", headings=headings, rows=tuple(rows))


def rungs_sheet(series: Series) -> Sheet:
    """Each rung at the last horizon."""
    rows = []
    for item in series.rungs:
        falls = {None: "", True: "yes", False: "no"}[item.falls]
        gap = item.gap
        rows.append(
            (
                item.rung,
                f"{item.size:,.0f}",
                str(item.runs),
                _pm(item.loss),
                _pm(item.fall),
                falls,
                _pm(item.uniform),
                _pm(Mean(value=gap.value, standard_error=gap.standard_error)) if gap else "",
                ("yes" if gap.data_limited else "no") if gap else "",
                _pm(item.excess),
                _pm(item.bits),
                "" if item.tuned == "unknown" else item.tuned,
            )
        )
    headings = ("rung", "parameters", "runs", "loss", "fall", "falls", "uniform loss", "gap",
                "data-limited", "excess over floor", "bits per dimension",
                "learning rate")  # fmt: skip
    return Sheet(title="Rungs at the last horizon", headings=headings, rows=tuple(rows))


def hold_out_sheet(series: Series) -> Sheet:
    """Each held-out rung, predicted beside measured."""
    rows = []
    for held in series.hold_outs:
        if held.unsupported:
            rows.append((held.law, *[""] * 6, held.unsupported))
        for item in held.predictions:
            predicted, low, high = rounded(item.predicted, *item.interval)
            seeds = item.error_in_seed_deviations
            rows.append(
                (
                    held.law,
                    item.rung,
                    predicted,
                    f"[{low}, {high}]",
                    f"{item.measured:.5g}",
                    f"{item.error_percent:+.2f}%",
                    f"{seeds:+.1f}" if math.isfinite(seeds) else "",
                    item.verdict,
                )
            )
    headings = ("law", "rung", "predicted", "interval", "measured", "error",
                "in seed noise", "verdict")  # fmt: skip
    return Sheet(title="Held-out rungs", headings=headings, rows=tuple(rows))


def laws_sheet(study: Study) -> Sheet:
    """The laws that were fitted, each with its formula as LaTeX sets it."""
    asked = [law for series in study.series for law in (item.law for item in series.fits)]
    laws = [find(name) for name in dict.fromkeys(asked)]
    rows = tuple((law.name, law.title, f"${law.latex}$", law.source) for law in laws)
    return Sheet(title="Laws", headings=("law", "title", "formula", "source"), rows=rows)


def comparisons_sheet(study: Study) -> Sheet:
    """Every series against the first, per rung and over all: the difference in loss in per cent."""
    rows = []
    for item in study.comparisons:
        parts = {**item.rungs, "all": item.overall}
        for rung, difference in parts.items():
            low, high = difference.interval
            interval = f"[{low:+.2f}, {high:+.2f}]" if math.isfinite(low) else ""
            told = "" if not interval else "yes" if difference.clear else "no"
            rows.append(
                (item.other, item.baseline, rung, f"{difference.percent:+.2f}", interval, told)
            )
    headings = ("series", "against", "rung", "difference in %", "interval", "told apart")
    return Sheet(title="Series compared", headings=headings, rows=tuple(rows))


def _pm(mean: Mean | None) -> str:
    if mean is None or not math.isfinite(mean.value):
        return ""
    value, error = with_error(mean.value, mean.standard_error)
    return f"{value} ± {error}" if error else value


def _whole(number: object) -> str:
    return f"{number:,.0f}" if isinstance(number, int | float) and math.isfinite(number) else ""


def _share(number: object) -> str:
    known = isinstance(number, int | float) and math.isfinite(number)
    return f"{number:.2%}" if known else ""
