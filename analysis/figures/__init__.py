"""Figures a paper can take as they are: PDF, SVG and PNG, the same bytes for the same data."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from analysis.figures.ema import ema_widths
from analysis.figures.gap import generalisation_gap
from analysis.figures.noise_levels import excess_levels, noise_levels
from analysis.figures.samples import sample_grid
from analysis.figures.size import scaling_in_size
from analysis.figures.steps import scaling_in_steps
from analysis.figures.style import save, settle, styled
from analysis.study import Series, Study

FIGURES: dict[str, Callable[[Series], Figure | None]] = {
    "size": scaling_in_size,
    "steps": scaling_in_steps,
    "noise_levels": noise_levels,
    "excess": excess_levels,
    "gap": generalisation_gap,
    "ema": ema_widths,
    "samples": sample_grid,
}
"""Name to drawing; a drawing gives None where the series lacks its data."""


@dataclass(frozen=True)
class Drawing:
    """A figure of the study's series number `series`."""

    series: int
    name: str
    figure: Figure


def draw(study: Study, names: Iterable[str] = tuple(FIGURES)) -> list[Drawing]:
    """Each figure that a series has the data for; KeyError for a name unknown."""
    drawn = [
        Drawing(index, name, figure)
        for index, series in enumerate(study.series)
        for name in names
        if (figure := FIGURES[name](series)) is not None
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
        stem = f"{drawing.name}_{drawing.series + 1}" if several else drawing.name
        save(drawing.figure, directory / stem)
        stems.append(directory / stem)
    return stems
