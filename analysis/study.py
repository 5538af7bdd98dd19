"""Everything a report says about one or more sweeps, as plain data."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.agreement import Agreement, Model, agreement
from analysis.along import SIZE, laws_along, with_variable
from analysis.comparison import Comparison, NotCompared, compare
from analysis.coordinates import Coordinate, coordinates
from analysis.diagnosis import require_known
from analysis.files import write
from analysis.fitted import Fit
from analysis.fitting import Unsupported, last_horizon
from analysis.floor import with_floor
from analysis.hold_out import HoldOut
from analysis.inference import Inference, at, inference_of
from analysis.kinds import of_one_kind
from analysis.laws import find
from analysis.laws.suited import IN_STEPS, laws_for
from analysis.noise_levels import NoiseCurve, noise_curves
from analysis.plain import NOT_IN_JSON, plain
from analysis.questions import Attempt, Question, answers, attempt, held, tested
from analysis.rates import RateSweep, at_best_rates, rate_sweep
from analysis.rungs import RungSummary, summarise
from analysis.sample_metrics import SampleMetric, sample_metrics
from analysis.selection import Selection, select
from analysis.settings import FitSettings
from analysis.split import names_of, runs_of, split
from analysis.table import Table
from analysis.tuning import RatesElsewhere, read_elsewhere, tunings
from analysis.uncertainty.bootstrap import Replicates
from analysis.uncertainty.noise import seed_deviation

if TYPE_CHECKING:  # a fit needs none of them
    from analysis.metrics.correlation import Correlation
    from analysis.metrics.found import Refused, WeightingSearch
    from analysis.profiled import Profiled
    from analysis.scale.shift import Shift
    from analysis.scale.study import Scale
    from analysis.trust.answers import Sensitivity
    from analysis.trust.collapsed import Collapse
    from analysis.trust.held import Beyond
    from analysis.trust.law_choice import LawChoice


@dataclass(frozen=True, kw_only=True)
class Series:
    """One model family along its ladder: the swept columns other than size and seed are fixed.

    Laws in one variable are fitted `along` it. Where several learning rates were tried (`rates`),
    only the runs at each rung's best are fitted.
    `replicates` are the bootstraps behind `hold_outs` (and, without a hold-out, behind the fits
    to all rungs), by law; they and `table` serve drawing and are not written to JSON. What stands
    between `inference` and `table` is found by `in_depth`; `refused` says of each question that
    these runs cannot answer why.
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
    sample_metrics: tuple[SampleMetric, ...] = ()
    inference: Inference | None = None
    correlations: "tuple[Correlation, ...]" = ()
    weightings: "tuple[WeightingSearch | Refused, ...]" = ()
    scale: "Scale | None" = None
    law_choice: "LawChoice | None" = None
    sensitivity: "Sensitivity | None" = None
    profiled: "Profiled | None" = None
    collapse: "Collapse | None" = None
    beyond: "tuple[Beyond, ...]" = ()
    along: str = SIZE
    refused: Mapping[str, str] = field(default_factory=dict)
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
        one_variable = bool(self.selection.horizons) or self.along != SIZE
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
    """All series of some sweeps, the settings they were fitted with, and what they came from.

    `tables` counts the sweeps. `asked` are the settings before the metric chose its laws and the
    control its floor.
    """

    settings: FitSettings
    inputs: dict[str, str]
    series: tuple[Series, ...]
    tables: int = 1
    asked: FitSettings | None = None
    comparisons: tuple[Comparison, ...] = ()
    not_compared: tuple[NotCompared, ...] = ()
    agreement: Agreement | None = None
    shifts: "tuple[Shift, ...]" = ()

    def to_json(self) -> str:
        """Fits, hold-outs, summaries and exclusions; not-a-number becomes null."""
        return json.dumps(plain(self), indent=2, allow_nan=False) + "\n"

    def save(self, path: Path) -> None:
        """Write `to_json` to a file, atomically."""
        write(path, self.to_json())


def analyse(tables: Sequence[Table], settings: FitSettings, along: str | None = None) -> Study:
    """Fit every law to every series of the tables, and hold out the largest rungs.

    With `along`, laws in one variable are fitted along that column or metric instead of the size,
    and no others (see `analysis.along`).

    Raises TableError when a table is given twice or cannot be fitted as asked (see `select`), when
    `settings.rates_from` holds no sweep of learning rates, or when it lacks the best inference
    setting or the control that settings ask for. The study's settings know a control's floor.
    """
    require_known(map(find, settings.laws), settings)
    elsewhere, asked = read_elsewhere(settings), settings
    tables = [of_one_kind(table, settings) for table in tables]
    tables = [at(table, settings.metric, settings.inference) for table in tables]
    settings = with_floor(tables, settings)
    if not any(table.foreign for table in tables):
        settings = replace(settings, laws=laws_for(settings.metric, settings.laws))
    if along:
        settings = replace(settings, laws=laws_along(tables, settings.laws, along))
    series = [
        analyse_series(part, label, fixed, settings, elsewhere, along or SIZE)
        for table, name in zip(tables, names_of([table.source for table in tables]), strict=True)
        for part, label, fixed in split(table, name)
    ]
    inputs = {table.source: table.digest for table in (*tables, *filter(None, [elsewhere]))}
    first, *others = [(item.label, item.selection) for item in series]
    compared = compare(first, others, settings.confidence)
    return Study(
        settings=settings,
        asked=asked,
        inputs=inputs,
        series=tuple(series),
        tables=len(tables),
        comparisons=tuple(item for item in compared if isinstance(item, Comparison)),
        not_compared=tuple(item for item in compared if isinstance(item, NotCompared)),
        agreement=_agreement(series),
    )


def analyse_series(
    table: Table,
    label: str,
    fixed: dict[str, Any],
    settings: FitSettings,
    elsewhere: RatesElsewhere | None = None,
    along: str = SIZE,
) -> Series:
    """All fits and summaries of one series."""
    selection = select(table, settings)
    left_out = [item.run for item in selection.excluded]
    rates = rate_sweep(selection, runs_of(table.runs, fixed), settings)
    selection = at_best_rates(selection, rates) if rates else selection
    selection = with_variable(table, selection, along)
    laws = [law for law in settings.laws if law not in IN_STEPS or _has_steps(selection)]
    stepped = selection.rungs if _has_steps(selection) and selection.horizons else []
    stepped = stepped if along == SIZE else []
    asked = [
        *(Question(law=law, held_out=True, variable=along) for law in laws if settings.hold_out),
        *(Question(law=law, variable=along) for law in laws),
        *(Question(law="floor", rung=rung) for rung in stepped if "floor" in laws),
    ]
    found = answers(asked, selection, settings)
    fits, hold_outs, replicates = [], [], {}
    for question, answer in zip(asked, found, strict=True):
        tests = tested(answer, settings)
        if question.held_out:
            kept = held(question, answer, selection, settings)
            hold_outs.append(replace(kept, residual_tests=tests))
        else:
            fits.append(replace(attempt(question, answer), residual_tests=tests))
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
        sample_metrics=sample_metrics(table, selection, left_out, settings.confidence),
        inference=inference_of(table, selection, left_out, settings.confidence),
        along=along,
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


def _has_steps(selection: Selection) -> bool:
    return selection.points["steps"].nunique() > 1
