"""Which laws are fitted to which rows of a series, and the answers."""

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.along import IN_SEVERAL, SIZE
from analysis.fitted import Fit
from analysis.fitting import Fitted, Task, Unsupported, fit_tasks, or_reason, points_of, task
from analysis.hold_out import HoldOut, hold_out, kept_task
from analysis.laws import find
from analysis.selection import Selection
from analysis.settings import FitSettings
from analysis.trust.residuals import ResidualTests, residual_tests


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A law fitted to all rungs along `along` (for one rung, when named), or why it was not."""

    law: str
    along: str
    rung: str | None
    fit: Fit | None
    unsupported: str | None = None
    residual_tests: ResidualTests | None = None


@dataclass(frozen=True, kw_only=True)
class Question:
    """A law to fit: to all rungs, to one along its steps, or to all but the held-out ones.

    A law in one variable is fitted along `variable`, a column of the points.
    """

    law: str
    rung: str | None = None
    held_out: bool = False
    variable: str = SIZE

    @property
    def along(self) -> str:
        """The variable, steps where a rung is named, or both of a law in several."""
        if len(find(self.law).variables) > 1:
            return IN_SEVERAL
        return self.variable if self.rung is None else "steps"


Answer = tuple[Task, Fitted] | Unsupported


def answers(asked: Sequence[Question], selection: Selection, settings: FitSettings) -> list[Answer]:
    """All fits of a series, made together: each one's task and fit, or why there is none."""
    return answers_of([(question, selection) for question in asked], settings)


def answers_of(asked: Sequence[tuple[Question, Selection]], settings: FitSettings) -> list[Answer]:
    """The same of questions about several selections."""
    posed = [
        or_reason(lambda question=question, of=of: _task(question, of, settings))
        for question, of in asked
    ]
    fitted = iter(fit_tasks([item for item in posed if isinstance(item, Task)], settings))
    return [(item, next(fitted)) if isinstance(item, Task) else item for item in posed]


def _task(question: Question, selection: Selection, settings: FitSettings) -> Task:
    if question.held_out:
        return kept_task(selection, question.law, settings, question.variable)
    law = find(question.law)
    points = points_of(selection, law, question.along)
    if question.rung is not None:
        points = points[points["rung"] == question.rung]
    return task(points, law, question.along, settings.known)


def tested(answer: Answer, settings: FitSettings) -> ResidualTests | None:
    """Of the residuals; None without a fit, and where residuals of one sign are wanted."""
    if isinstance(answer, Unsupported) or settings.asymmetry != 1:
        return None
    return residual_tests(answer[0].points, answer[1].fit)


def attempt(question: Question, answer: Answer) -> Attempt:
    """Of a question about rungs that were fitted."""
    described = {"law": question.law, "along": question.along, "rung": question.rung}
    if isinstance(answer, Unsupported):
        return Attempt(**described, fit=None, unsupported=str(answer))
    return Attempt(**described, fit=answer[1].fit)


def held(
    question: Question, answer: Answer, selection: Selection, settings: FitSettings
) -> HoldOut:
    """Of a question about rungs that were kept from the fit."""
    if isinstance(answer, Unsupported):
        return HoldOut(law=question.law, fit=None, predictions=(), unsupported=str(answer))
    return hold_out(selection, *answer, settings)
