"""What a report says beyond the fits: of scale, of trust, and of metrics against one another."""

from dataclasses import replace

from analysis.comparison import NotCompared, shared_horizon
from analysis.fitting import Unsupported
from analysis.laws import find
from analysis.metrics.columns import measured_columns
from analysis.metrics.matrix import correlations
from analysis.metrics.weighting import searches
from analysis.profiled import profiled
from analysis.refusals import Refusals
from analysis.scale.shift import shift
from analysis.scale.shifted import Shift, in_words
from analysis.scale.study import scale_of
from analysis.settings import FitSettings
from analysis.study import Series, Study
from analysis.trust.beyond import beyond_compute, beyond_steps
from analysis.trust.collapse import collapse
from analysis.trust.held import Beyond
from analysis.trust.law_choice import choose
from analysis.trust.rolling import rolling
from analysis.trust.sensitivity import sensitivity

MOST_DRAWS = 500
MOST_COLUMNS = 8
"""Of a foreign table that are set against its value and one another; pairs grow as the square."""


def in_depth(study: Study) -> Study:
    """The same study with what takes longer than a fit; see `Series` and `Study.shifts`."""
    settings = replace(study.settings, bootstrap=min(study.settings.bootstrap, MOST_DRAWS))
    series = tuple(_in_depth(item, settings) for item in study.series)
    first, *others = series
    shifts = [_shift(first, other, x, settings) for other in others for x in ("size", "flops")]
    refused = (item for item in shifts if isinstance(item, NotCompared))
    return replace(
        study,
        series=series,
        shifts=tuple(item for item in shifts if isinstance(item, Shift)),
        not_compared=(*study.not_compared, *refused),
    )


def _in_depth(series: Series, settings: FitSettings) -> Series:
    table, selection, law = series.table, series.selection, series.headline_law
    laws = [name for name in settings.laws if len(find(name).variables) == 1]
    refused = Refusals()
    if law is None:
        refused.update(dict.fromkeys(("sensitivity", "further hold-outs"), "no law was fitted"))
    found = replace(
        series,
        scale=scale_of(selection.points, settings),
        law_choice=refused.attempt("choice of law", lambda: choose(selection, laws, settings)),
        sensitivity=refused.attempt(
            "sensitivity", lambda: sensitivity(table, selection, law, settings)
        )
        if law
        else None,
        profiled=refused.attempt("profile likelihoods", lambda: profiled(series, settings)),
        collapse=refused.attempt("collapse", lambda: collapse(selection, settings.confidence)),
        beyond=_beyond(series, settings) if law else (),
        refused=refused,
    )
    drawing = {
        "count": settings.bootstrap,
        "confidence": settings.confidence,
        "seed": settings.seed,
    }
    names = None
    if table.foreign:
        others = measured_columns(table, selection)
        names = [selection.metric, *others[:MOST_COLUMNS]]
        if left := others[MOST_COLUMNS:]:
            refused["correlations of further columns"] = (
                f"{MOST_COLUMNS} are taken, and there are {', '.join(left)} too"
            )
    return replace(
        found,
        correlations=correlations(table, selection, names, **drawing),
        weightings=() if table.foreign else searches(table, selection, **drawing),
    )


def _beyond(series: Series, settings: FitSettings) -> tuple[Beyond, ...]:
    """Hold-outs other than of the largest rungs, of the law that the headline speaks of.

    Steps are held out from a law that reads them, where one was asked for.
    """
    selection, law = series.selection, series.headline_law
    assert law is not None
    along_steps = (name for name in settings.laws if len(find(name).variables) > 1)
    later = ()
    if selection.points["steps"].nunique() > 1:
        later = beyond_steps(selection, next(along_steps, law), settings)
    by_compute = beyond_compute(selection, law, settings)
    return (by_compute, *later, *rolling(selection, law, settings))


def _shift(first: Series, other: Series, x: str, settings: FitSettings) -> Shift | NotCompared:
    """Along x at the last horizon that both share; or why the two cannot be compared."""
    try:
        steps = shared_horizon(first.selection, other.selection)
        return shift(
            first.selection.at(steps),
            other.selection.at(steps),
            x=x,
            names=(first.label, other.label),
            settings=settings,
        )
    except Unsupported as reason:
        question = f"shift in {in_words(x)}"
        return NotCompared(
            baseline=first.label, other=other.label, question=question, reason=str(reason)
        )
