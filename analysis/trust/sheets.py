"""Hold-outs, the choice of law, sensitivity and collapse as sheets, for every format of table."""

import math
from collections.abc import Sequence

from analysis.formats import Sheet
from analysis.rounding import rounded
from analysis.trust.answers import Answer, Sensitivity
from analysis.trust.collapsed import Collapse
from analysis.trust.held import Beyond
from analysis.trust.law_choice import LawChoice


def beyond_sheet(found: Sequence[Beyond]) -> Sheet:
    """A row for each rung and horizon predicted; a law that was not fitted says why."""
    rows = []
    for item in found:
        scope = (item.law, item.kind, item.fitted)
        if item.fit is None:
            rows.append((*scope, *[""] * 7, f"not fitted: {item.unsupported}"))
        for p in item.predictions:
            value, low, high = rounded(p.predicted, *p.interval)
            deviations = p.error_in_seed_deviations
            rows.append(
                (*scope, p.rung, f"{p.steps:g}", value, f"[{low}, {high}]", f"{p.measured:.5g}",
                 f"{p.error_percent:+.2f}", _number(deviations, "+.1f"), p.verdict)
            )  # fmt: skip
    headings = ("law", "held out by", "fitted to", "rung", "step", "predicted", "interval",
                "measured", "error, %", "error, seed deviations", "verdict")  # fmt: skip
    return Sheet(title="Hold-outs by compute, steps and rung", headings=headings, rows=tuple(rows))


def choice_sheet(choice: LawChoice) -> Sheet:
    """A row for each law, the best first, then those that could not be judged."""
    rows = [
        (
            score.law,
            f"{100 * score.rms:.2g}",
            f"{100 * score.mean:+.2g}",
            str(len(choice.rungs)),
            f"{score.weight:.2f}",
            _number(score.worse_p, ".2g"),
            "best" if i == 0 else "worse" if score.law in choice.apart else "not told apart",
        )
        for i, score in enumerate(choice.scores)
    ]
    rows += [(law, "", "", "", "", "", reason) for law, reason in choice.unsupported.items()]
    headings = ("law", "error of prediction, %", "mean error, %", "rungs", "weight", "p", "note")
    return Sheet(title="Laws by error of extrapolation", headings=headings, rows=tuple(rows))


def averaged_sheet(choice: LawChoice) -> Sheet:
    """A row for each held-out rung, predicted by the average of all laws."""
    rows = []
    for item in choice.averaged:
        value, low, high = rounded(item.predicted, *item.interval)
        each = ", ".join(
            f"{law} {told:.4g} (weight {item.weights[law]:.2f})"
            for law, told in item.by_law.items()
        )
        rows.append((item.rung, value, f"[{low}, {high}]", f"{item.measured:.5g}",
                     f"{item.error_percent:+.2f}", each))  # fmt: skip
    headings = ("rung", "predicted", "interval", "measured", "error, %", "by law")
    return Sheet(title="Laws averaged by held-out error", headings=headings, rows=tuple(rows))


def sensitivity_sheet(found: Sensitivity) -> Sheet:
    """A row for each choice; an answer outside the headline's interval is marked with *."""
    names = tuple(found.headline.answers)
    rows = []
    for row in (found.headline, *found.rows):
        cells = [_answer(row.answers.get(name)) for name in names]
        note = f"not fitted: {row.unsupported}" if row.unsupported else ""
        if row.rung_outside:
            note = "this rung is not what the others predict"
        rows.append((row.kind, row.option, *cells, _number(row.rung_error, "+.2f"), note))
    headings = ("choice", "option", *names, "error at that rung, %", "note")
    title = f"Sensitivity of the {found.law} fit (* outside the reported interval)"
    return Sheet(title=title, headings=headings, rows=tuple(rows))


def collapse_sheet(found: Collapse) -> Sheet:
    """A row for each rung: where its normalised curve lies farthest from the others'."""
    rows = [
        (
            curve.rung,
            f"{curve.size:,.0f}",
            str(curve.seeds),
            _number(curve.deviations, ".2g"),
            f"{curve.at:.2g}" if math.isfinite(curve.p) else "",
            _number(curve.p, ".2g"),
            "outside" if curve.rung in found.outside else "",
        )
        for curve in found.curves
    ]
    headings = ("rung", "parameters", "runs", "largest distance, errors", "at progress", "p",
                "verdict")  # fmt: skip
    return Sheet(title="Collapse of the training curves", headings=headings, rows=tuple(rows))


def _answer(answer: Answer | None) -> str:
    if answer is None:
        return ""
    value, low, high = rounded(answer.value, *answer.interval)
    interval = "" if answer.interval[0] == answer.interval[1] else f" [{low}, {high}]"
    return f"{value}{interval}{' *' if answer.leaves else ''}"


def _number(value: float, form: str) -> str:
    return format(value, form) if math.isfinite(value) else ""
