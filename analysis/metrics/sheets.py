"""Correlations and searches as sheets, for every format of table."""

from collections.abc import Sequence

from analysis.formats import Sheet
from analysis.metrics.correlation import VIEWS, Correlation
from analysis.metrics.found import Refused, WeightingSearch


def correlations_sheet(found: Sequence[Correlation]) -> Sheet:
    """A row for each pair of metrics in each view."""
    rows = [
        (
            item.first,
            item.second,
            item.view.replace("_", " "),
            str(item.rows),
            str(item.rungs),
            str(item.spearman),
            str(item.kendall),
            f"{item.pearson} (logs)" if item.logs and str(item.pearson) else str(item.pearson),
            f"{item.alike} of {item.told_apart}" if item.alike and item.told_apart else "",
        )
        for item in found
        if item.view in VIEWS
    ]
    headings = ("metric", "against", "view", "values", "rungs", "Spearman", "Kendall", "Pearson",
                "pairs ordered alike")  # fmt: skip
    return Sheet(title="Metrics against metrics", headings=headings, rows=tuple(rows))


def weightings_sheet(found: Sequence[WeightingSearch | Refused]) -> Sheet:
    """A row for each weighting that was tried on each target, the best of each target first."""
    rows = []
    for item in found:
        view = "within rungs" if item.within else "across runs"
        if isinstance(item, Refused):
            rows.append((item.target, view, *[""] * 5, item.reason))
            continue
        verdicts = {item.searched.name: item.verdict, item.by_order.name: item.order_verdict}
        every = (item.searched, item.by_order, *item.fixed)
        for score in sorted(every, key=lambda each: -each.r2):
            error = f"{100 * score.rmse:.3g}%" if item.logs else f"{score.rmse:.3g}"
            rows.append(
                (item.target, view, score.label, f"{score.exponent:.2f}", error, f"{score.r2:.3f}",
                 f"{100 * score.order:.1f}%", verdicts.get(score.name, ""))
            )  # fmt: skip
    headings = ("target", "view", "weighting", "exponent", "error left out", "R² left out",
                "pairs in order left out", "note")  # fmt: skip
    return Sheet(title="Weightings of the loss as predictors", headings=headings, rows=tuple(rows))
