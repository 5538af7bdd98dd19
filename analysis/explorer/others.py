"""Laws of the metrics that are not the headline's, for whoever chooses one in the explorer."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from analysis.fitting import Unsupported
from analysis.laws import find
from analysis.laws.suited import IN_STEPS, is_rate, suited
from analysis.questions import Question, answers_of, attempt, held
from analysis.selection import Selection, select
from analysis.settings import FitSettings
from analysis.study import Series
from analysis.table import TableError

MOST = 12
"""Metrics, each of one kind of weights, that laws are fitted to; eight take about two seconds."""
REPLICATES = 200
"""Enough for a band that is looked at."""


class Key(NamedTuple):
    """What values have in common that may be fitted together."""

    metric: str
    split: str
    protocol: str
    weights: str


def key_of(selection: Selection) -> Key:
    """Of the values that were selected."""
    of = (selection.metric, selection.split, selection.protocol, selection.weights)
    return Key(*(name or "" for name in of))


def series_of_others(
    series: Series, keys: Sequence[Key], settings: FitSettings
) -> dict[Key, Series | str]:
    """For each of the keys the series with the laws of its values, or why there are none.

    The same runs, laws and rungs held out as the headline's. The first `MOST` keys are fitted, all
    of one law together.
    """
    settings = replace(settings, bootstrap=min(settings.bootstrap, REPLICATES))
    left = dict.fromkeys(keys[MOST:], f"laws are fitted to no more than {MOST} other metrics")
    selected = {key: _select(series, key, settings) for key in keys[:MOST]}
    asked = [
        (Question(law=law, held_out=bool(settings.hold_out)), selection)
        for selection in selected.values()
        if isinstance(selection, Selection)
        for law in suited(selection.metric, settings.laws)
        if law not in IN_STEPS or selection.points["steps"].nunique() > 1
    ]
    found = list(zip(asked, answers_of(asked, settings), strict=True))
    fitted: dict[Key, Series | str] = {}
    for key, selection in selected.items():
        if not isinstance(selection, Selection):
            fitted[key] = selection
            continue
        mine = [(question, answer) for (question, of), answer in found if of is selection]
        fitted[key] = replace(
            series,
            selection=selection,
            hold_outs=tuple(held(q, a, selection, settings) for q, a in mine if q.held_out),
            fits=tuple(attempt(q, a) for q, a in mine if not q.held_out),
            replicates={
                q.law: drawn
                for q, a in mine
                if not isinstance(a, Unsupported) and (drawn := a[1].replicates) is not None
            },
        )
    return fitted | left


def _select(series: Series, key: Key, settings: FitSettings) -> Selection | str:
    """The runs that the headline speaks of, with this metric; or why it cannot be fitted."""
    frame = series.table.frame
    if key.protocol:
        frame = frame[frame["protocol"] == key.protocol]
    asked = {"metric": key.metric, "split": key.split, "weights": key.weights}
    try:
        found = select(replace(series.table, frame=frame), replace(settings, **asked))
    except TableError as reason:
        return str(reason).removeprefix(f"{series.table.source}: ")
    runs = found.points["run"].isin(series.selection.points["run"])
    if not runs.any():
        return "no run of the fits has a positive value"
    found = replace(found, points=found.points[runs].reset_index(drop=True))
    falling = all(term.sign > 0 for law in settings.laws for term in find(law).terms)
    falling = falling and not is_rate(key.metric)
    by_size = found.points.groupby("size")["value"].mean()
    if falling and by_size.iloc[-1] > by_size.iloc[0]:
        return "it rises with size, and the laws asked for can only fall"
    return found
