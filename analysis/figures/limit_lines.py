"""The Frechet distance against 1/n: its bias, and the line to infinitely many samples."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.style import COLUMN, INK, Colour, rung_colours, styled
from analysis.limit_lines import LimitLine, limit_lines
from analysis.study import Series


def limit_lines_figure(series: Series) -> Figure | None:
    """A line for each rung and one for real images; None where no shares were measured."""
    found = limit_lines(series)
    of_rungs = [line for line in found if line.rung is not None]
    if not of_rungs:
        return None
    with styled():
        figure = Figure(figsize=(COLUMN, 3.0))
        axes = figure.subplots()
        for line, colour in zip(of_rungs, rung_colours(len(of_rungs)), strict=True):
            _draw(axes, line, colour, "o")
        for line in found[len(of_rungs) :]:
            _draw(axes, line, INK, "s")
        axes.set_xlabel("1 / number of generated samples")
        axes.set_ylabel("Frechet distance")
        axes.ticklabel_format(axis="x", style="sci", scilimits=(-2, 2), useMathText=True)
        figure.legend(loc="outside upper left", ncols=4)
    return figure


def _draw(axes: Axes, line: LimitLine, colour: str | Colour, marker: str) -> None:
    x, limit = 1 / line.counts, line.limit
    axes.plot(x, line.values, marker, color=colour, clip_on=False)
    reach = np.array([0, x[-1]])
    axes.plot(reach, limit.value + line.slope * reach, color=colour, lw=0.9)
    ends = [[limit.value - limit.low], [limit.high - limit.value]]
    name = line.rung or "real images"
    axes.errorbar(
        0, limit.value, yerr=ends, fmt=marker, mfc="white", color=colour, capsize=2.5, label=name
    )
