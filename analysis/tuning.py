"""Whether a rung's learning rate is known to be a good one, and how."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from analysis.best_rate import RungRates
from analysis.rates import RateSweep, rate_sweep
from analysis.selection import Selection, select
from analysis.settings import FitSettings
from analysis.split import runs_of, split
from analysis.table import TableError, read

How = Literal["swept", "swept elsewhere", "edge", "transferred", "untuned", "unknown"]

CLOSE = 2.0
"""A rate within this factor of the optimum counts as tuned."""


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """How a rung's rate was chosen, and in words why that is said.

    "swept": the best of several, with worse ones on both sides. "swept elsewhere": within a factor
    `CLOSE` of the optimum of another sweep. "edge": the best lies at an end of what was tried.
    "transferred": by a rule, which nothing here tests. "untuned": none of these. "unknown": the
    table says nothing of rates.
    """

    how: How
    why: str


@dataclass(frozen=True, kw_only=True)
class RatesElsewhere:
    """The rate sweeps of another table: (columns that were fixed, rule of transfer, sweep)."""

    source: str
    digest: str
    sweeps: tuple[tuple[Mapping[str, Any], str | None, RateSweep], ...]


def read_elsewhere(settings: FitSettings) -> RatesElsewhere | None:
    """The rate sweeps that `settings.rates_from` names; TableError where it holds none."""
    if settings.rates_from is None:
        return None
    table = read(settings.rates_from)
    alike = replace(settings, rates_from=None, weights=None, first_step=0, bootstrap=0)
    found = []
    for part, _, fixed in split(table):
        selection = select(part, alike)
        sweep = rate_sweep(selection, runs_of(part.runs, fixed), alike)
        if sweep is not None:
            found.append((fixed, rule(selection.points), sweep))
    if not found:
        raise TableError(f"{table.source}: no learning rates were swept there (fit.rates_from)")
    return RatesElsewhere(source=table.source, digest=table.digest, sweeps=tuple(found))


def tunings(
    selection: Selection,
    fixed: Mapping[str, Any],
    sweep: RateSweep | None,
    elsewhere: RatesElsewhere | None,
) -> dict[str, Tuning]:
    """How each selected rung was tuned; `fixed` are the series' values of the swept columns."""
    found = {}
    for rung in selection.rungs:
        points = selection.points[selection.points["rung"] == rung]
        rates = sweep.of(rung) if sweep else None
        if rates is None:
            found[rung] = _not_swept_here(rung, points, fixed, elsewhere)
        elif rates.edge:
            why = f"best at {rates.best:g}, the {rates.edge} rate tried"
            found[rung] = Tuning(how="edge", why=why)
        else:
            why = f"{rates.best:g} is the best of {len(rates.tried)} rates tried"
            found[rung] = Tuning(how="swept", why=why)
    return found


def rule(points: pd.DataFrame) -> str | None:
    """The rule of transfer that all points share, in words; None where the table has none."""
    rules = points["transfer"].dropna().unique()
    return str(rules[0]) if len(rules) == 1 else None


def _not_swept_here(
    rung: str, points: pd.DataFrame, fixed: Mapping[str, Any], elsewhere: RatesElsewhere | None
) -> Tuning:
    transfer, remark = rule(points), ""
    if elsewhere is not None:
        found = _covering(rung, points, fixed, elsewhere)
        if isinstance(found, RungRates):
            judged = _judged(points, found, elsewhere.source)
            if judged.how == "swept elsewhere" or transfer in (None, "none"):
                return judged
            remark = f"; {judged.why}"
        else:
            remark = f"; {found}"
    if transfer not in (None, "none"):
        return Tuning(how="transferred", why=f"the learning rate follows {transfer}{remark}")
    if points["learning_rate"].isna().all():
        return Tuning(how="unknown", why=f"the table has no learning rate{remark}")
    return Tuning(how="untuned", why=f"the learning rate was not swept{remark}")


def _covering(
    rung: str, points: pd.DataFrame, fixed: Mapping[str, Any], elsewhere: RatesElsewhere
) -> RungRates | str:
    """The other sweep's rates for this rung, by name or else by width; or why there are none."""
    transfer = rule(points)
    alike = [
        sweep
        for values, other, sweep in elsewhere.sweeps
        if (transfer is None or other is None or transfer == other)
        and all(str(fixed[name]) == str(values[name]) for name in fixed.keys() & values.keys())
    ]
    if len(alike) != 1:
        number = "several series" if alike else "no series"
        return f"{number} of {elsewhere.source} swept rates under the same settings"
    return _same_size(rung, points, alike[0].rungs) or f"{elsewhere.source} has no such size"


def _same_size(rung: str, points: pd.DataFrame, rungs: Sequence[RungRates]) -> RungRates | None:
    width = float(points["width"].iloc[0])
    widths = [item for item in rungs if item.width == width]
    named = [item for item in rungs if item.rung == rung]
    return next(iter([*named, *(widths if len(widths) == 1 else [])]), None)


def _judged(points: pd.DataFrame, found: RungRates, source: str) -> Tuning:
    rate = float(points["learning_rate"].iloc[0])
    if np.isnan(rate):
        return Tuning(how="unknown", why="the table has no learning rate")
    if found.edge or found.optimum is None:
        why = f"in {source} it is best at {found.best:g}, the {found.edge} rate tried"
        return Tuning(how="untuned", why=why)
    factor = max(rate / found.optimum, found.optimum / rate)
    close = factor <= CLOSE * (1 + 1e-9)
    where = f"{rate:g} is {factor:.2g} times off the optimum {found.optimum:.3g} of {source}"
    return Tuning(how="swept elsewhere" if close else "untuned", why=where)


def told(found: Sequence[tuple[str, Tuning]]) -> str:
    """What a reader must know of rungs that nothing shows to be tuned; empty where all are."""
    parts, total = [], len(found)
    for how, what in (
        ("untuned", "untuned"),
        ("edge", "untuned: the best learning rate lies at an end of those tried"),
        ("transferred", "at a learning rate transferred by a rule that no sweep here tests"),
    ):
        names = [rung for rung, item in found if item.how == how]
        if not names:
            continue
        whys = list(dict.fromkeys(item.why for _, item in found if item.how == how))
        reason = f": {whys[0]}" if how == "untuned" and len(whys) == 1 else ""
        each = f" ({', '.join(names)})" if len(names) < total else ""
        verb = "is" if len(names) == 1 else "are"
        parts.append(f"{len(names)} of {total} sizes {verb} {what}{each}{reason}.")
    return " ".join(parts)
