"""The profile likelihoods of the fit that the headline speaks of."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from analysis.fitted import Fit
from analysis.fitting import Unsupported
from analysis.headline import untested
from analysis.laws import find
from analysis.plain import NOT_IN_JSON
from analysis.questions import Question, answers
from analysis.settings import FitSettings
from analysis.study import Series
from analysis.uncertainty.profile import Profile


@dataclass(frozen=True, kw_only=True)
class Profiled:
    """Of every fitted parameter of the answer to `question`; `fit` is that answer in the tables.

    Its intervals are those of the profiles only where these were asked for.
    """

    question: Question
    profiles: Mapping[str, Profile]
    fit: Fit = field(metadata=NOT_IN_JSON)


def profiled(series: Series, settings: FitSettings) -> Profiled | None:
    """None without a fit; Unsupported where they would leave an error out, or take long unasked."""
    asked = _headline(series)
    if asked is None:
        return None
    question, fit = asked
    law, known = find(question.law), settings.known_values
    if settings.intervals != "profile" and any(term.log and not term.power for term in law.terms):
        raise Unsupported(f"of a {law.title} they take long; fit.intervals profile asks for them")
    uncertain = next((name for name in law.parameters if known.get(name, (0.0, 0.0))[1]), None)
    if uncertain:
        raise Unsupported(f"they would take {uncertain}, known with an error, to be exact")
    exact = {name: value for name, (value, _) in known.items()}  # one of another law may err
    held = replace(settings, bootstrap=0, intervals="profile", known=exact)
    (answer,) = answers([question], series.selection, held)
    if isinstance(answer, Unsupported):
        raise answer
    return Profiled(question=question, profiles=answer[1].profiles, fit=fit)


def _headline(series: Series) -> tuple[Question, Fit] | None:
    """What was asked, and its fit: without the held-out rungs first, as they are predicted."""
    law = series.headline_law
    held = series.hold_out(law) if law else None
    if law and held and held.fit:
        return Question(law=law, held_out=True, variable=series.along), held.fit
    fit = series.fit(law) if law else None
    if law and fit:
        return Question(law=law, variable=series.along), fit
    found = untested(series)
    if found is None or found.fit is None:
        return None
    return Question(law=found.law, rung=found.rung, variable=found.along), found.fit
