"""What a report says beyond the fits: of scale, of trust, and of metrics against one another."""

from collections.abc import Callable
from dataclasses import replace

from analysis.fitting import Unsupported, last_horizon
from analysis.laws import find
from analysis.metrics.matrix import correlations
from analysis.metrics.weighting import searches
from analysis.scale.shift import Shift, shift
from analysis.scale.study import scale_of
from analysis.settings import FitSettings
from analysis.study import Series, Study
from analysis.table import TableError
from analysis.trust.beyond import beyond_compute, beyond_steps
from analysis.trust.collapse import collapse
from analysis.trust.held import Beyond
from analysis.trust.law_choice import choose
from analysis.trust.rolling import rolling
from analysis.trust.sensitivity import sensitivity

MOST_DRAWS = 500


def in_depth(study: Study) -> Study:
    """The same study with what takes longer than a fit; see `Series` and `Study.shifts`."""
    settings = replace(study.settings, bootstrap=min(study.settings.bootstrap, MOST_DRAWS))
    series = tuple(_in_depth(item, settings) for item in study.series)
    first, *others = series
    shifts = (_shift(first, other, settings) for other in others)
    return replace(study, series=series, shifts=tuple(filter(None, shifts)))


def _in_depth(series: Series, settings: FitSettings) -> Series:
    table, selection, law = series.table, series.selection, series.headline_law
    laws = [name for name in settings.laws if len(find(name).variables) == 1]
    found = replace(
        series,
        scale=scale_of(selection.points, settings),
        law_choice=_or_none(lambda: choose(selection, laws, settings)),
        sensitivity=_or_none(lambda: sensitivity(table, selection, law, settings)) if law else None,
        collapse=_or_none(lambda: collapse(selection, settings.confidence)),
        beyond=_beyond(series, settings) if law else (),
    )
    if table.foreign:
        return found
    drawing = {
        "count": settings.bootstrap,
        "confidence": settings.confidence,
        "seed": settings.seed,
    }
    return replace(
        found,
        correlations=correlations(table, selection, **drawing),
        weightings=searches(table, selection, **drawing),
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


def _shift(first: Series, other: Series, settings: FitSettings) -> Shift | None:
    """None where the two cannot be compared."""
    if first.selection.protocol != other.selection.protocol:
        return None
    return _or_none(
        lambda: shift(
            last_horizon(first.selection),
            last_horizon(other.selection),
            names=(first.label, other.label),
            settings=settings,
        )
    )


def _or_none[T](find_out: Callable[[], T]) -> T | None:
    """None for a question that these runs cannot answer."""
    try:
        return find_out()
    except (Unsupported, TableError):
        return None
