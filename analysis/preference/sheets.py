"""What votes say as tables of text."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from analysis.formats import Sheet
from analysis.preference.rates import Rate
from analysis.preference.strengths import Strength
from analysis.preference.study import Preferences
from analysis.rounding import rounded


def about_runs(frame: pd.DataFrame) -> dict[str, tuple[str, float]]:
    """Rung and size of each run of a sweep's table."""
    runs = frame.drop_duplicates("run")
    told = zip(runs["run"], runs["rung"], runs["parameters"], strict=True)
    return {str(run): (str(rung), float(size)) for run, rung, size in told}


def rates_sheet(found: Preferences, about: Mapping[str, tuple[str, float]]) -> Sheet:
    """A row for each run, smallest first; `about` gives runs their rung and size."""
    judges = sorted(found.by_judge)
    strength = {item.source: item for item in found.strengths.of} if found.strengths else {}
    runs = sorted(found.rates, key=lambda run: (about.get(run, ("", 0.0))[1], run))
    rows = []
    for run in runs:
        rate, item = found.rates[run], strength.get(run)
        rung, size = about.get(run, ("", 0.0))
        rows.append(
            (
                run,
                rung,
                f"{size:,.0f}" if size else "",
                str(rate),
                f"{rate.tie_rate:.0%}",
                str(rate.votes),
                str(rate.skipped),
                str(rate.prompts),
                "" if item is None else strength_in_words(item),
                *(_with_ties(found.by_judge[judge].get(run)) for judge in judges),
            )
        )
    headings = (
        *("run", "rung", "parameters", "preferred to real", "ties", "votes", "skipped"),
        *("prompts", "log-strength", *judges),
    )
    return Sheet(title="Preference by people", headings=headings, rows=tuple(rows)).filled()


def raters_sheet(found: Preferences) -> Sheet:
    """A row for each rater, with flags."""
    rows = tuple(
        (
            rater.name,
            str(rater.votes),
            str(rater.skipped),
            f"{rater.checks - rater.failed} of {rater.checks}",
            f"{rater.agreement:.0%}" if np.isfinite(rater.agreement) else "",
            "; ".join(rater.flags),
        )
        for rater in found.raters
    )
    headings = ("rater", "votes", "skipped", "checks passed", "agreement with others", "flags")
    return Sheet(title="Raters", headings=headings, rows=rows)


def agreement_sheet(found: Preferences) -> Sheet:
    """A row for each judge beside people."""
    rows = tuple(
        (
            item.judge,
            str(item.pairs),
            str(item.accuracy),
            str(item.ceiling),
            str(item.bias),
            str(item.ranks),
        )
        for item in found.agreements
    )
    headings = ("judge", "pairs", "accuracy", "people among themselves", "bias", "rank correlation")
    return Sheet(title="Judges beside people", headings=headings, rows=rows)


def sentences(found: Preferences) -> list[str]:
    """What the tables do not say by themselves."""
    told = []
    if np.isfinite(found.alpha):
        told.append(f"Krippendorff's alpha of raters on the same pairs is {found.alpha:.2f}.")
    if found.control.votes:
        told.append(
            f"Of two real images the left one was preferred in {found.control} of "
            f"{found.control.votes} votes; without a bias of side it is 0.5."
        )
    if found.more:
        told.append(f"For ±0.05 on the run nearest to one half, about {found.more} more votes.")
    return [*told, *found.notes]


def _with_ties(rate: Rate | None) -> str:
    return "" if rate is None else f"{rate}, {rate.tie_rate:.0%} ties"


def strength_in_words(item: Strength) -> str:
    """With its interval, where votes bound it."""
    if not item.bounded:
        return "below every vote" if item.value < 0 else "above every vote"
    number, least, most = rounded(item.value, item.low, item.high)
    return f"{number} [{least}, {most}]"
