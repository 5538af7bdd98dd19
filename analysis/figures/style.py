"""One look for all figures, and saving that gives the same bytes every time."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib import rc_params_from_file
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from analysis.rounding import short

COLUMN, PAGE = 3.35, 6.9
"""Widths in inches of one column and of a page of two."""

type Colour = tuple[float, ...]

INK, FITTED, HELD_OUT = "#222222", "#0072b2", "#d55e00"
"""Text; what was fitted; what was kept from the fit (Okabe & Ito's colour-blind-safe palette)."""


@contextmanager
def styled() -> Iterator[None]:
    """Draw with the style of `paper.mplstyle` and leave matplotlib's settings as they were."""
    with as_file(files("analysis.figures") / "paper.mplstyle") as path:
        style = rc_params_from_file(path, use_default_template=False)
    with matplotlib.rc_context(dict(style)):
        yield


def rung_colours(count: int) -> list[Colour]:
    """Ordered colours, small rungs dark: viridis without its palest end."""
    ramp = matplotlib.colormaps["viridis"]
    return [tuple(ramp(x)) for x in np.linspace(0.0, 0.85, max(count, 1))]


def panels(titles: Sequence[str], share_y: bool = False) -> tuple[Figure, list[Axes]]:
    """A figure with a panel for each title side by side, three a row; call it within `styled()`."""
    columns = min(len(titles), 3)
    rows = -(-len(titles) // columns)
    width = COLUMN if columns == 1 else PAGE
    figure = Figure(figsize=(width, 2.6 * rows))
    grid = figure.subplots(rows, columns, sharey=share_y, squeeze=False).ravel()
    for panel, title in zip(grid, titles, strict=False):
        panel.set_title(title)
    for panel in grid[len(titles) :]:
        panel.remove()
    return figure, list(grid[: len(titles)])


def save(figure: Figure, stem: Path) -> None:
    """Write stem.pdf, stem.svg and stem.png without dates or random ids."""
    with styled():
        settle(figure)
        figure.savefig(stem.with_suffix(".pdf"), metadata={"CreationDate": None})
        figure.savefig(stem.with_suffix(".svg"), metadata={"Date": None})
        figure.savefig(stem.with_suffix(".png"), metadata={"Software": None})


LABELLED = ((1.3, (1.0, 2.0, 5.0)), (2.6, (1.0, 3.0)), (np.inf, (1.0,)))
"""Which multiples of ten's powers are labelled on axes of fewer decades than the first number."""


def settle(figure: Figure) -> None:
    """Compute the layout once and keep it, instead of anew for every format."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine("none")


def _multiples(decades: float) -> tuple[float, ...]:
    return next(subs for most, subs in LABELLED if decades < most)


def log_size(axes: Axes, values: np.ndarray) -> None:
    """A logarithmic x axis labelled 10k, 1M; with few decades 2 and 5 are labelled too."""
    axes.set_xscale("log")
    decades = np.log10(values.max() / values.min()) if len(values) else 1
    axes.xaxis.set_major_locator(LogLocator(subs=_multiples(decades)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: short(x)))
    axes.xaxis.set_minor_formatter(NullFormatter())


class Ticks(MaxNLocator):
    """Of losses on a logarithmic axis: round values, and from one decade on their powers of ten.

    Round values over several decades would crowd at the upper end and leave the lower bare.
    """

    def tick_values(self, vmin: float, vmax: float) -> Any:
        """Where ticks stand between two values."""
        low, high = sorted((vmin, vmax))
        if low <= 0 or high < 10 * low:
            return super().tick_values(vmin, vmax)
        return LogLocator(subs=_multiples(np.log10(high / low))).tick_values(low, high)


class MinorTicks(LogLocator):
    """Between powers of ten, where `Ticks` labels those."""

    def tick_values(self, vmin: float, vmax: float) -> Any:
        """Where ticks stand between two values; nowhere within a decade."""
        low, high = sorted((vmin, vmax))
        return super().tick_values(vmin, vmax) if high >= 10 * low > 0 else []


def log_loss(axes: Axes) -> None:
    """A logarithmic y axis; its few decimals are written out, not as powers of ten."""
    axes.set_yscale("log")
    _of_losses(axes.yaxis, 5)


def log_losses(axes: Axes) -> None:
    """The same of an x axis."""
    axes.set_xscale("log")
    _of_losses(axes.xaxis, 6)


def _of_losses(axis: Axis, most: int) -> None:
    axis.set_major_locator(Ticks(nbins=most, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:.3g}"))
    axis.set_minor_formatter(NullFormatter())
    axis.set_minor_locator(MinorTicks(subs=tuple(range(2, 10))))


def noise_band(axes: Axes, seed_deviation: float) -> None:
    """Two deviations of seeds on either side of a residual of none, in per cent, where known."""
    if np.isfinite(seed_deviation):
        reach = 200 * seed_deviation
        axes.axhspan(-reach, reach, color="#888888", alpha=0.18, lw=0)
        axes.set_title("band: ± 2 seed deviations", loc="right", size=5.5, pad=2)
