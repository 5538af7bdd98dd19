"""Everything a report says about one or more sweeps, as plain data."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.agreement import Agreement, Model, agreement
from analysis.comparison import Comparison, compare
from analysis.coordinates import Coordinate, coordinates
from analysis.files import write
from analysis.fitted import Fit
from analysis.fitting import (
    IN_SEVERAL,
    Fitted,
    Task,
    Unsupported,
    fit_tasks,
    last_horizon,
    task,
)
from analysis.hold_out import HoldOut, hold_out, kept_task
from analysis.laws import find
from analysis.noise_levels import NoiseCurve, noise_curves
from analysis.rates import RateSweep, at_best_rates, rate_sweep
from analysis.rungs import RungSummary, summarise
from analysis.selection import Selection, select
from analysis.settings import FitSettings
from analysis.split import runs_of, split
from analysis.table import Table
from analysis.tuning import RatesElsewhere, read_elsewhere, tunings
from analysis.uncertainty.bootstrap import Replicates
from analysis.uncertainty.noise import seed_deviation

if TYPE_CHECKING:  # a fit needs none of them
    from analysis.metrics.correlation import Correlation
    from analysis.metrics.found import Refused, WeightingSearch
    from analysis.scale.shift import Shift
    from analysis.scale.study import Scale
    from analysis.trust.answers import Sensitivity
    from analysis.trust.collapsed import Collapse
    from analysis.trust.held import Beyond
    from analysis.trust.law_choice import LawChoice

NOT_IN_JSON = {"json": False}


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A law fitted to all rungs along `along` (for one rung, when named), or why it was not."""

    law: str
    along: str
    rung: str | None
    fit: Fit | None
    unsupported: str | None = None


@dataclass(frozen=True, kw_only=True)
class Series:
    """One model family along its ladder: the swept columns other than size and seed are fixed.

    Where several learning rates were tried (`rates`), only the runs at each rung's best are fitted.
    `replicates` are the bootstraps behind `hold_outs` (and, without a hold-out, behind the fits
    to all rungs), by law; they and `table` serve drawing and are not written to JSON. What stands
    between `coordinates` and `table` is found by `in_depth`.
    """

    label: str
    fixed: dict[str, Any]
    selection: Selection
    rungs: tuple[RungSummary, ...]
    fits: tuple[Attempt, ...]
    hold_outs: tuple[HoldOut, ...]
    noise_levels: tuple[NoiseCurve, ...]
    excess_levels: tuple[NoiseCurve, ...]
    seed_deviation: float
    rates: RateSweep | None
    coordinates: tuple[Coordinate, ...]
    correlations: "tuple[Correlation, ...]" = ()
    weightings: "tuple[WeightingSearch | Refused, ...]" = ()
    scale: "Scale | None" = None
    law_choice: "LawChoice | None" = None
    sensitivity: "Sensitivity | None" = None
    collapse: "Collapse | None" = None
    beyond: "tuple[Beyond, ...]" = ()
    table: Table = field(repr=False, metadata=NOT_IN_JSON)
    replicates: dict[str, Replicates] = field(
        repr=False, default_factory=dict, metadata=NOT_IN_JSON
    )

    def fit(self, law: str, rung: str | None = None) -> Fit | None:
        """The fit of a law to all rungs, or in steps to one."""
        found = (item for item in self.fits if item.law == law and item.rung == rung)
        return next((item.fit for item in found), None)

    def hold_out(self, law: str) -> HoldOut | None:
        """The hold-out of a law."""
        return next((item for item in self.hold_outs if item.law == law), None)

    @property
    def headline_law(self) -> str | None:
        """The law the headline speaks of, chosen without a look at the held-out rungs.

        In size with a floor where the data identify one, else the first of the others; jointly with
        steps where the runs share no horizon; else none.
        """
        fitted = self.hold_outs or [item for item in self.fits if item.rung is None]
        one_variable = bool(self.selection.horizons)
        candidates = {
            item.law: item.fit
            for item in fitted
            if item.fit and (len(find(item.law).variables) == 1) == one_variable
        }
        floor = candidates.get("floor")
        if floor and not {"E", "alpha"} & set(floor.not_identified):
            return "floor"
        return next((law for law in candidates if law != "floor"), next(iter(candidates), None))


@dataclass(frozen=True, kw_only=True)
class Study:
    """All series of some sweeps, the settings they were fitted with, and what they came from."""

    settings: FitSettings
    inputs: dict[str, str]
    series: tuple[Series, ...]
    comparisons: tuple[Comparison, ...] = ()
    agreement: Agreement | None = None
    shifts: "tuple[Shift, ...]" = ()

    def to_json(self) -> str:
        """Fits, hold-outs, summaries and exclusions; not-a-number becomes null."""
        return json.dumps(_plain(self), indent=2, allow_nan=False) + "\n"

    def save(self, path: Path) -> None:
        """Write `to_json` to a file, atomically."""
        write(path, self.to_json())


def analyse(tables: Sequence[Table], settings: FitSettings) -> Study:
    """Fit every law to every series of the tables, and hold out the largest rungs.

    Raises TableError when a table cannot be fitted as asked (see `selection.select`), or when
    `settings.rates_from` holds no sweep of learning rates.
    """
    elsewhere = read_elsewhere(settings)
    series = [
        analyse_series(part, label, fixed, settings, elsewhere)
        for table in tables
        for part, label, fixed in split(table, len(tables) > 1)
    ]
    inputs = {table.source: table.digest for table in (*tables, *filter(None, [elsewhere]))}
    first, *others = [(item.label, item.selection) for item in series]
    return Study(
        settings=settings,
        inputs=inputs,
        series=tuple(series),
        comparisons=compare(first, others, settings.confidence),
        agreement=_agreement(series),
    )


def analyse_series(
    table: Table,
    label: str,
    fixed: dict[str, Any],
    settings: FitSettings,
    elsewhere: RatesElsewhere | None = None,
) -> Series:
    """All fits and summaries of one series."""
    selection = select(table, settings)
    rates = rate_sweep(selection, runs_of(table.runs, fixed), settings)
    selection = at_best_rates(selection, rates) if rates else selection
    laws = [law for law in settings.laws if law != "joint" or _has_steps(selection)]
    stepped = selection.rungs if _has_steps(selection) and selection.horizons else []
    asked = [
        *(Question(law=law, held_out=True) for law in laws if settings.hold_out),
        *(Question(law=law) for law in laws),
        *(Question(law="floor", rung=rung) for rung in stepped if "floor" in laws),
    ]
    answers = _answers(asked, selection, settings)
    fits, hold_outs, replicates = [], [], {}
    for question, answer in zip(asked, answers, strict=True):
        if question.held_out:
            hold_outs.append(_hold_out(question, answer, selection, settings))
        else:
            fits.append(_attempt(question, answer))
        drawn = None if isinstance(answer, Unsupported) else answer[1].replicates
        whole = question.rung is None and question.held_out == bool(settings.hold_out)
        if drawn is not None and whole:
            replicates[question.law] = drawn
    return Series(
        label=label,
        fixed=fixed,
        selection=selection,
        rungs=summarise(table, selection, tunings(selection, fixed, rates, elsewhere)),
        fits=tuple(fits),
        hold_outs=tuple(hold_outs),
        noise_levels=noise_curves(table, selection),
        excess_levels=noise_curves(table, selection, "excess_loss"),
        seed_deviation=seed_deviation(
            last_horizon(selection) if selection.horizons else selection.points
        ),
        rates=rates,
        coordinates=coordinates(table, selection),
        table=table,
        replicates=replicates,
    )


def _agreement(series: Sequence[Series]) -> Agreement | None:
    return agreement(
        [
            Model(
                name=f"{rung.rung} ({item.label})" if item.label else rung.rung,
                loss=rung.loss,
                bits=rung.bits,
            )
            for item in series
            for rung in item.rungs
            if rung.bits is not None
        ]
    )


@dataclass(frozen=True, kw_only=True)
class Question:
    """A law to fit: to all rungs, to one along its steps, or to all but the held-out ones."""

    law: str
    rung: str | None = None
    held_out: bool = False

    @property
    def along(self) -> str:
        """Size at the last horizon, steps, or both."""
        if len(find(self.law).variables) > 1:
            return IN_SEVERAL
        return "size" if self.rung is None else "steps"


Answer = tuple[Task, Fitted] | Unsupported


def _answers(
    asked: Sequence[Question], selection: Selection, settings: FitSettings
) -> list[Answer]:
    """All fits of a series, made together."""
    posed = [_task(question, selection, settings) for question in asked]
    tasks = [item for item in posed if isinstance(item, Task)]
    fitted = iter(fit_tasks(tasks, settings))
    return [(item, next(fitted)) if isinstance(item, Task) else item for item in posed]


def _task(question: Question, selection: Selection, settings: FitSettings) -> Task | Unsupported:
    try:
        if question.held_out:
            return kept_task(selection, question.law, settings)
        points = last_horizon(selection) if question.along == "size" else selection.points
        if question.rung is not None:
            points = points[points["rung"] == question.rung]
        return task(points, find(question.law), question.along)
    except Unsupported as reason:
        return reason


def _attempt(question: Question, answer: Answer) -> Attempt:
    described = {"law": question.law, "along": question.along, "rung": question.rung}
    if isinstance(answer, Unsupported):
        return Attempt(**described, fit=None, unsupported=str(answer))
    return Attempt(**described, fit=answer[1].fit)


def _hold_out(
    question: Question, answer: Answer, selection: Selection, settings: FitSettings
) -> HoldOut:
    if isinstance(answer, Unsupported):
        return HoldOut(law=question.law, fit=None, predictions=(), unsupported=str(answer))
    return hold_out(selection, *answer, settings)


def _has_steps(selection: Selection) -> bool:
    return selection.points["steps"].nunique() > 1


def _plain(value: Any) -> Any:
    """JSON's own types; fields marked `NOT_IN_JSON` are left out."""
    if is_dataclass(value) and not isinstance(value, type):
        names = [item.name for item in fields(value) if item.metadata.get("json", True)]
        out = {name: _plain(getattr(value, name)) for name in names}
        extra = ("error_percent", "error_in_seed_deviations", "inside", "headline_law")
        return out | {name: _plain(getattr(value, name)) for name in extra if hasattr(value, name)}
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
