"""Everything a report says about one or more sweeps, as plain data."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.agreement import Agreement, Model, agreement
from analysis.bootstrap import Replicates
from analysis.comparison import Comparison, compare
from analysis.fitting import Fit, Unsupported, fit_points, last_horizon
from analysis.hold_out import HoldOut, hold_out_with_replicates
from analysis.laws import LAWS
from analysis.noise import seed_deviation
from analysis.noise_levels import NoiseCurve, noise_curves
from analysis.rungs import RungSummary, summarise
from analysis.selection import Selection, select
from analysis.settings import FitSettings
from analysis.table import Table

SIZE_LAWS = ("power", "floor")
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

    `replicates` are the bootstraps behind `hold_outs` (and, without a hold-out, behind the fits
    to all rungs), by law; they and `table` serve drawing and are not written to JSON.
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

        In size with a floor where the data identify one, else without; jointly with steps where
        the runs share no horizon; else none.
        """
        candidates = {item.law: item.fit for item in self.hold_outs}
        if not candidates:
            candidates = {item.law: item.fit for item in self.fits if item.rung is None}
        fallbacks = SIZE_LAWS if self.selection.horizons else ("joint",)
        floor = candidates.get("floor")
        if floor and "E" not in floor.not_identified and "alpha" not in floor.not_identified:
            return "floor"
        return next((law for law in fallbacks if candidates.get(law)), None)


@dataclass(frozen=True, kw_only=True)
class Study:
    """All series of some sweeps, the settings they were fitted with, and what they came from."""

    settings: FitSettings
    inputs: dict[str, str]
    series: tuple[Series, ...]
    comparisons: tuple[Comparison, ...] = ()
    agreement: Agreement | None = None

    def to_json(self) -> str:
        """Fits, hold-outs, summaries and exclusions; not-a-number becomes null."""
        return json.dumps(_plain(self), indent=2, allow_nan=False) + "\n"

    def save(self, path: Path) -> None:
        """Write `to_json` to a file, atomically."""
        draft = path.with_name(path.name + ".part")
        draft.write_text(self.to_json())
        draft.replace(path)


def analyse(tables: Sequence[Table], settings: FitSettings) -> Study:
    """Fit every law to every series of the tables, and hold out the largest rungs.

    Raises TableError when a table cannot be fitted as asked (see `selection.select`).
    """
    series = [
        analyse_series(part, label, fixed, settings)
        for table in tables
        for part, label, fixed in _split(table, len(tables) > 1)
    ]
    inputs = {table.source: table.digest for table in tables}
    first, *others = [(item.label, item.selection) for item in series]
    return Study(
        settings=settings,
        inputs=inputs,
        series=tuple(series),
        comparisons=compare(first, others, settings.confidence),
        agreement=_agreement(series),
    )


def analyse_series(
    table: Table, label: str, fixed: dict[str, Any], settings: FitSettings
) -> Series:
    """All fits and summaries of one series."""
    selection = select(table, settings)
    hold_outs, replicates = [], {}
    laws = (*SIZE_LAWS, "joint") if _has_steps(selection) else SIZE_LAWS
    for law in laws if settings.hold_out else ():
        held, drawn = hold_out_with_replicates(selection, law, settings)
        hold_outs.append(held)
        if drawn is not None:
            replicates[law] = drawn
    fits = []
    for law in laws:
        attempt, drawn = _attempt(selection, law, settings)
        fits.append(attempt)
        if drawn is not None and not settings.hold_out:
            replicates[law] = drawn
    if _has_steps(selection) and selection.horizons:
        fits += [_attempt(selection, "floor", settings, rung)[0] for rung in selection.rungs]
    return Series(
        label=label,
        fixed=fixed,
        selection=selection,
        rungs=summarise(table, selection),
        fits=tuple(fits),
        hold_outs=tuple(hold_outs),
        noise_levels=noise_curves(table, selection),
        excess_levels=noise_curves(table, selection, "excess_loss"),
        seed_deviation=seed_deviation(
            last_horizon(selection) if selection.horizons else selection.points
        ),
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


def _attempt(selection: Selection, law: str, settings: FitSettings, rung: str | None = None):
    """Fit one law to all rungs, or along the steps of one."""
    both = len(LAWS[law].variables) == 2
    along = "both" if both else "size" if rung is None else "steps"
    try:
        points = last_horizon(selection) if along == "size" else selection.points
        if rung is not None:
            points = points[points["rung"] == rung]
        fit, replicates = fit_points(points, LAWS[law], along, settings)
    except Unsupported as reason:
        return Attempt(law=law, along=along, rung=rung, fit=None, unsupported=str(reason)), None
    return Attempt(law=law, along=along, rung=rung, fit=fit), replicates


def _has_steps(selection: Selection) -> bool:
    return selection.points["steps"].nunique() > 1


def _split(table: Table, several: bool):
    """(table, label, fixed) for each combination of swept columns."""
    source = Path(table.source).name if several else ""
    if not table.swept:
        yield table, source, {}
        return
    groups = table.frame.groupby(list(table.swept), dropna=False, sort=False)
    fixings = [dict(zip(table.swept, values, strict=True)) for values, _ in groups]
    runs_of = [_runs_of(table.runs, fixed) for fixed in fixings]
    if runs_of and not table.runs.empty:
        runs_of[0] = pd.concat([runs_of[0], _of_no_series(table, runs_of)])
    for fixed, (_, frame), runs in zip(fixings, groups, runs_of, strict=True):
        label = _label(fixed)
        part = Table(
            frame=frame,
            source=table.source,
            digest=table.digest,
            runs=runs,
            protocols=table.protocols,
            directory=table.directory,
        )
        yield part, f"{source}: {label}" if source else label, fixed


def _label(fixed: Mapping[str, Any]) -> str:
    return ", ".join(f"{name.rpartition('.')[2]} {value}" for name, value in fixed.items())


def _runs_of(runs: pd.DataFrame, fixed: Mapping[str, Any]) -> pd.DataFrame:
    for name, value in fixed.items():
        if name in runs:
            runs = runs[runs[name].astype(str) == str(value)]
    return runs


def _of_no_series(table: Table, runs_of: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Runs of series without any measurement: the first series names them, lest nobody does."""
    others = table.runs.drop(index=[i for runs in runs_of for i in runs.index])
    swept = [name for name in table.swept if name in others]
    labels = [_label(dict(row)) for _, row in others[swept].iterrows()]
    reasons = others["reason"].fillna("").astype(str)
    told = [
        f"{why}; {label}".removeprefix("; ") for why, label in zip(reasons, labels, strict=True)
    ]
    return others.assign(reason=told)


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
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
