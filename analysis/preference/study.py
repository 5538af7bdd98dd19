"""What a file of votes says, all of it: rates, strengths, raters, judges beside people."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.preference.outcomes import against_real, comparisons, outcomes
from analysis.preference.power import intraclass, votes_for
from analysis.preference.proxies import ProxyAgreement, proxy_agreements
from analysis.preference.raters import Rater, alpha, raters
from analysis.preference.rates import Rate, controls, rates_by_run
from analysis.preference.setting_votes import of_runs
from analysis.preference.strengths import Strengths, strengths

NARROW = 0.05
"""Half the width of an interval that a plan of votes aims at."""


@dataclass(frozen=True, kw_only=True)
class Preferences:
    """Of people's votes unless it says otherwise; `rates` by run, against real images.

    Votes on a run's inference settings say something of raters alone.

    `alpha` is Krippendorff's, on neither checks nor controls; `control` the rate of the left one of
    two real images; `more` how many votes the widest rate still needs for an interval of ± NARROW.
    `notes` say what is odd.
    """

    rates: Mapping[str, Rate]
    by_judge: Mapping[str, Mapping[str, Rate]]
    strengths: Strengths | None
    raters: tuple[Rater, ...]
    alpha: float
    control: Rate
    agreements: tuple[ProxyAgreement, ...]
    more: int
    notes: tuple[str, ...]


def preferences(votes: pd.DataFrame, *, confidence: float = 0.95) -> Preferences:
    """From votes in the columns of `analysis.preference.votes.read`; nobody's are left out."""
    whom = raters(voted) if len(voted := votes[votes["rater_kind"] == "human"]) else ()
    votes = of_runs(votes)
    people = votes[votes["rater_kind"] == "human"]
    judges = votes[votes["rater_kind"] == "judge"]
    rates = dict(rates_by_run(people, confidence=confidence))
    asked = comparisons(people)
    return Preferences(
        rates=rates,
        by_judge={
            str(judge): dict(rates_by_run(own, confidence=confidence))
            for judge, own in judges.groupby("rater")
        },
        strengths=strengths(asked, confidence=confidence) if rates else None,
        raters=whom,
        alpha=alpha(asked),
        control=controls(people, confidence=confidence),
        agreements=tuple(proxy_agreements(votes, confidence=confidence)),
        more=_more(people, rates),
        notes=tuple(_notes(whom, votes)),
    )


def _more(people: pd.DataFrame, rates: Mapping[str, Rate]) -> int:
    """By the rate nearest to one half, which needs the most, as its prompts have agreed so far."""
    if not rates:
        return 0
    run, widest = min(rates.items(), key=lambda pair: abs(pair[1].value - 0.5))
    found = outcomes(against_real(people).query("first == @run", local_dict={"run": run}))
    needed = votes_for(
        NARROW,
        rate=float(np.clip(widest.value, 0.05, 0.95)),
        votes_per_prompt=max(1.0, widest.votes / widest.prompts),
        correlation=intraclass(found.points, found.prompt),
    )
    return max(0, needed - widest.votes)


def _notes(whom: tuple[Rater, ...], votes: pd.DataFrame) -> list[str]:
    notes = [f"{rater.name} {flag}" for rater in whom for flag in rater.flags]
    if notes:
        notes.append("Their votes are counted; --without NAME leaves a rater out.")
    if 0 < len(whom) < 5:
        notes.append(f"{len(whom)} raters are no sample of raters: intervals speak of these alone.")
    if len(set(against_real(votes)["protocol"].astype(str)) - {""}) > 1:
        notes.append("The votes are on images of several protocols.")
    return notes
