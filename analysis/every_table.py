"""All the tables of a study, written as LaTeX, CSV and Markdown."""

from collections.abc import Callable, Mapping
from pathlib import Path

from analysis.fit_sheets import diagnostics_sheet, fits_sheet, residuals_sheet
from analysis.formats import Sheet, write_sheet
from analysis.inference_sheets import inference_sheet
from analysis.metrics.sheets import correlations_sheet, weightings_sheet
from analysis.preference import of_study as preference
from analysis.proxies import proxies_sheet
from analysis.sample_sheets import sample_metrics_sheet
from analysis.scale.sheets import frontier_sheet, isoflop_sheet, lifetimes_sheet, shifts_sheet
from analysis.study import Series, Study
from analysis.tables import (
    comparisons_sheet,
    hold_out_sheet,
    laws_sheet,
    rungs_sheet,
    runs_sheet,
)
from analysis.transfer import coordinates_sheet, rates_sheet
from analysis.trust.sheets import (
    averaged_sheet,
    beyond_sheet,
    choice_sheet,
    collapse_sheet,
    sensitivity_sheet,
)

SHEETS_OF_ALL: dict[str, Callable[[Study], Sheet]] = {
    "laws": laws_sheet,
    "comparisons": comparisons_sheet,
    "shifts": lambda study: shifts_sheet(study.shifts),
    "learning_rates": rates_sheet,
    "coordinates": coordinates_sheet,
    "preference": preference.rates_sheet,
    "preferred_settings": preference.settings_sheet,
    "raters": preference.raters_sheet,
    "judges": preference.agreement_sheet,
}
"""Sheets over all series; those without rows are not written."""


def _if_any[T](build: Callable[[T], Sheet], found: T | None) -> Sheet:
    return Sheet(title="", headings=(), rows=()) if found is None else build(found)


SHEETS_IN_DEPTH: dict[str, Callable[[Series], Sheet]] = {
    "sample_metrics": sample_metrics_sheet,
    "proxies": proxies_sheet,
    "inference": inference_sheet,
    "correlations": lambda series: correlations_sheet(series.correlations),
    "weightings": lambda series: weightings_sheet(series.weightings),
    "sensitivity": lambda series: _if_any(sensitivity_sheet, series.sensitivity),
    "law_choice": lambda series: _if_any(choice_sheet, series.law_choice),
    "averaged": lambda series: _if_any(averaged_sheet, series.law_choice),
    "beyond": lambda series: beyond_sheet(series.beyond),
    "collapse": lambda series: _if_any(collapse_sheet, series.collapse),
    "isoflop": lambda series: isoflop_sheet(series.scale.isoflop if series.scale else None),
    "frontier": lambda series: frontier_sheet(series.scale.frontiers if series.scale else ()),
    "lifetimes": lambda series: lifetimes_sheet(series.scale.lifetimes if series.scale else ()),
}
"""Written where there are rows."""

SHEETS: dict[str, Callable[[Series], Sheet]] = {
    "runs": runs_sheet,
    "rungs": rungs_sheet,
    "fits": fits_sheet,
    "diagnostics": diagnostics_sheet,
    "residuals": residuals_sheet,
    "hold_out": hold_out_sheet,
}


def write_tables(study: Study, directory: Path) -> list[Path]:
    """Write every sheet of every series in every format."""
    directory.mkdir(parents=True, exist_ok=True)
    sheets: dict[str, Sheet] = {}
    for index, series in enumerate(study.series):
        in_depth = {name: build(series) for name, build in SHEETS_IN_DEPTH.items()}
        found = {name: build(series) for name, build in SHEETS.items()} | _with_rows(in_depth)
        end = "" if len(study.series) == 1 else f"_{index + 1}"
        sheets |= {f"{name}{end}": sheet for name, sheet in found.items()}
    sheets |= _with_rows({name: build(study) for name, build in SHEETS_OF_ALL.items()})
    return [path for stem, sheet in sheets.items() for path in write_sheet(sheet, directory / stem)]


def _with_rows(sheets: Mapping[str, Sheet]) -> dict[str, Sheet]:
    return {name: sheet for name, sheet in sheets.items() if sheet.rows}
