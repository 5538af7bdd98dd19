"""How an answer moves with each choice behind it."""

from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.fitting import Fitted, Task, Unsupported, fit_all, fit_tasks
from analysis.hold_out import typical
from analysis.laws import Law, find
from analysis.selection import Selection
from analysis.settings import FitSettings
from analysis.table import Table
from analysis.trust.answers import Answer, Row, Sensitivity
from analysis.trust.choices import Choice, choices_of_loss, choices_of_points

ERROR = "held-out error, %"
EXPONENTS = ("alpha", "beta")
REPLICATES = 400
"""At most so many a choice: twenty fits are bootstrapped, and their tails are drawn from again."""
DRAWS = 10


def sensitivity(table: Table, selection: Selection, law: str, settings: FitSettings) -> Sensitivity:
    """Change each choice in turn; `selection` was made from `table` with these settings.

    Raises Unsupported when the headline itself cannot be fitted.
    """
    asked = find(law)
    settings = replace(settings, bootstrap=min(settings.bootstrap, REPLICATES))
    first = choices_of_points(table, selection, asked, settings)
    if isinstance(first[0].task, Unsupported):
        raise first[0].task
    fits = fit_all([choice.task for choice in first], settings)
    assert fits[0] is not None
    later = choices_of_loss(first[0], asked, settings, fits[0].fit.huber_delta)
    fits += [fit_tasks([c.task], s)[0] if isinstance(c.task, Task) else None for c, s in later]
    choices = [*first, *(choice for choice, _ in later)]
    tests = sum(choice.dropped is not None for choice in choices)
    level = (1 - settings.confidence) / max(tests, 1)
    rows = [
        _row(choice, fitted, asked, settings, level)
        for choice, fitted in zip(choices, fits, strict=True)
    ]
    return Sensitivity(
        law=law,
        headline=rows[0],
        rows=tuple(_marked(row, rows[0]) for row in rows[1:]),
        confidence=settings.confidence,
    )


def _row(
    choice: Choice, fitted: Fitted | None, law: Law, settings: FitSettings, level: float
) -> Row:
    row = Row(kind=choice.kind, option=choice.option, answers={})
    if fitted is None or not isinstance(choice.task, Task):
        return replace(row, unsupported=str(choice.task))
    constants = tuple(term.coefficient for term in law.terms if term.log is None)
    names = [name for name in (*EXPONENTS, *constants) if name in law.parameters]
    value = fitted.fit.parameters
    answers = {
        name: Answer(value=value[name], interval=_interval(fitted, name))
        for name in names
        if name not in fitted.fit.known
    }
    if len(choice.target):
        answers[ERROR] = _error(choice, fitted, choice.target, 1 - settings.confidence, settings)
    row = replace(row, answers=answers)
    if choice.dropped is None or choice.dropped.empty:
        return row
    ends = choice.dropped[choice.dropped["steps"] == choice.dropped["steps"].max()]
    left = _error(choice, fitted, ends, level, settings)
    outside = fitted.replicates is not None and not left.interval[0] <= 0 <= left.interval[1]
    return replace(row, rung_error=left.value, rung_outside=outside)


def _interval(fitted: Fitted, name: str) -> tuple[float, float]:
    value = fitted.fit.parameters[name]
    return fitted.fit.intervals.get(name, (value, value))


def _error(
    choice: Choice, fitted: Fitted, rows: pd.DataFrame, level: float, settings: FitSettings
) -> Answer:
    """100 (predicted - measured) / measured of a rung's mean, for such a mean."""
    assert isinstance(choice.task, Task)
    at = {name: rows[c].to_numpy(float)[:1] for name, c in choice.task.columns.items()}
    measured, predicted = typical(rows), float(fitted.fit.predict(**at)[0])
    low = high = predicted
    if fitted.replicates is not None:
        rng = np.random.default_rng([settings.seed, 1])
        seeds = rows["run"].nunique()
        drawn = [fitted.replicates.new_measurements(at, seeds, rng) for _ in range(DRAWS)]
        low, high = map(float, np.quantile(drawn, [level / 2, 1 - level / 2]))
    with np.errstate(divide="ignore", invalid="ignore"):  # of 0 there are no per cent
        value, low, high = (100 * (np.array([predicted, low, high]) / measured - 1)).tolist()
    return Answer(value=value, interval=(low, high))


def _marked(row: Row, headline: Row) -> Row:
    marked = {}
    for name, answer in row.answers.items():
        low, high = headline.answers[name].interval
        marked[name] = replace(answer, leaves=high > low and not low <= answer.value <= high)
    return replace(row, answers=marked)
