"""Figures a paper can take as they are: PDF, SVG and PNG, the same bytes for the same data."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from analysis.figures.collapse import collapse_figure
from analysis.figures.coordinates import coordinate_check
from analysis.figures.correlations import correlation_matrix
from analysis.figures.ema import ema_widths
from analysis.figures.frontier import compute_frontier
from analysis.figures.gap import generalisation_gap
from analysis.figures.inference import inference_grid
from analysis.figures.isoflop import isoflop_profiles
from analysis.figures.learning_rates import learning_rates
from analysis.figures.lifetime import lifetime_cost
from analysis.figures.limit_lines import limit_lines_figure
from analysis.figures.noise_levels import excess_levels, noise_levels
from analysis.figures.predicted import measured_against_predicted
from analysis.figures.profile import profile_likelihoods
from analysis.figures.sample_metrics import proxies_figure, sample_metrics_figure
from analysis.figures.samples import sample_grid
from analysis.figures.sensitivity import sensitivity_figure
from analysis.figures.size import scaling_in_size
from analysis.figures.steps import scaling_in_steps
from analysis.figures.style import save, settle, styled
from analysis.figures.weighting import weighting_search
from analysis.metrics.found import most_telling
from analysis.study import Series, Study


def _isoflop(series: Series) -> Figure | None:
    scale = series.scale
    return isoflop_profiles(scale.isoflop, scale.allocation) if scale and scale.isoflop else None


def _profile(series: Series) -> Figure | None:
    found = series.profiled
    return profile_likelihoods(found.profiles, found.fit) if found else None


FIGURES: dict[str, Callable[[Series], Figure | None]] = {
    "size": scaling_in_size,
    "steps": scaling_in_steps,
    "predicted": measured_against_predicted,
    "noise_levels": noise_levels,
    "excess": excess_levels,
    "gap": generalisation_gap,
    "ema": ema_widths,
    "samples": sample_grid,
    "sensitivity": lambda series: sensitivity_figure(s) if (s := series.sensitivity) else None,
    "profile": _profile,
    "collapse": lambda series: collapse_figure(s) if (s := series.collapse) else None,
    "frontier": lambda series: compute_frontier(series.scale) if series.scale else None,
    "isoflop": _isoflop,
    "lifetime": lambda series: lifetime_cost(series.scale.lifetimes) if series.scale else None,
    "sample_metrics": sample_metrics_figure,
    "limit_lines": limit_lines_figure,
    "proxies": proxies_figure,
    "inference": inference_grid,
    "correlations": lambda series: correlation_matrix(series.correlations),
    "weighting": lambda series: weighting_search(most_telling(series.weightings)),
}
"""Name to drawing; a drawing gives None where the series lacks its data."""

FIGURES_OF_ALL: dict[str, Callable[[Study], Figure | None]] = {
    "learning_rates": learning_rates,
    "coordinates": coordinate_check,
}
"""The same for drawings that show all series, a panel each."""


@dataclass(frozen=True)
class Drawing:
    """A figure of the study's series number `series`, or of all (None)."""

    series: int | None
    name: str
    figure: Figure


def draw(study: Study, names: Iterable[str] = (*FIGURES, *FIGURES_OF_ALL)) -> list[Drawing]:
    """Each figure that there is the data for; KeyError for a name unknown."""
    names = list(names)
    drawn = [
        Drawing(None, name, figure)
        for name in names
        if name in FIGURES_OF_ALL and (figure := FIGURES_OF_ALL[name](study)) is not None
    ]
    drawn += [
        Drawing(index, name, figure)
        for index, series in enumerate(study.series)
        for name in names
        if name not in FIGURES_OF_ALL and (figure := FIGURES[name](series)) is not None
    ]
    with styled():
        for drawing in drawn:
            settle(drawing.figure)
    return drawn


def write_figures(drawings: Iterable[Drawing], directory: Path) -> list[Path]:
    """Save each as PDF, SVG and PNG under `directory`; paths without suffix."""
    directory.mkdir(parents=True, exist_ok=True)
    drawings = list(drawings)
    several = any(drawing.series for drawing in drawings)
    stems = []
    for drawing in drawings:
        number = f"_{drawing.series + 1}" if several and drawing.series is not None else ""
        stem = f"{drawing.name}{number}"
        save(drawing.figure, directory / stem)
        stems.append(directory / stem)
    return stems
