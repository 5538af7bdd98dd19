"""Rung after rung: fit the k smallest and predict the next."""

from dataclasses import replace

from analysis.fitting import Task, fit_all, or_reason
from analysis.hold_out import hold_out, kept_task
from analysis.selection import Selection
from analysis.settings import FitSettings
from analysis.trust.held import Beyond, held, refused


def up_to(selection: Selection, count: int) -> Selection:
    """The `count` smallest rungs, up to the last horizon that all rungs share."""
    points = selection.points
    kept = points["rung"].isin(selection.rungs[:count])
    if selection.horizons:
        kept &= points["steps"] <= selection.horizons[-1]
    return replace(selection, points=points[kept])


def rolling(selection: Selection, law: str, settings: FitSettings) -> tuple[Beyond, ...]:
    """Fit the k smallest rungs and predict the next at the last horizon, for every k from 2."""
    one = replace(settings, hold_out=1)
    parts = [up_to(selection, k + 1) for k in range(2, len(selection.rungs))]
    posed = [or_reason(lambda part=part: kept_task(part, law, one)) for part in parts]
    fits = fit_all(posed, settings)
    found = []
    for part, item, fitted in zip(parts, posed, fits, strict=True):
        said = f"the {len(part.rungs) - 1} smallest rungs"
        if isinstance(item, Task) and fitted is not None:
            told = hold_out(part, item, fitted, one).predictions
            found.append(held("rolling", law, said, fitted, told))
        else:
            found.append(refused("rolling", law, said, item))
    return tuple(found)
