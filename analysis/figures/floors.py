"""What figures say of a law's floor, and of laws that are not there."""

import textwrap
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from analysis.fit_sheets import NOT_IDENTIFIED, parameter
from analysis.fitted import Fit

SMALL, LINE = 6.5, 40
"""Points of such a text, and its letters a line."""


def floor_in_words(fits: Mapping[str, Fit]) -> str:
    """The floor E of a law's fits by name; empty for laws without one."""
    told = {name: parameter(fit, "E") for name, fit in fits.items() if fit.parameters.get("E")}
    without = [name for name, text in told.items() if text == NOT_IDENTIFIED]
    if len(told) == 1:
        return f"floor E {NOT_IDENTIFIED}" if without else f"floor E = {next(iter(told.values()))}"
    return f"floor E {NOT_IDENTIFIED}: {', '.join(without)}" if without else ""


def note(axes: Axes, text: str, *, right: bool = False) -> None:
    """A text in the lower left corner, or the lower right one."""
    place, side = (0.97, "right") if right else (0.03, "left")
    lines = textwrap.fill(text, LINE)
    axes.annotate(lines, (place, 0.04), xycoords="axes fraction", size=SMALL, ha=side)


def no_law(axes: Axes, reasons: Sequence[str | None]) -> None:
    """That no law was fitted, and the first reason."""
    note(axes, f"no law: {next(filter(None, reasons), 'none was asked for')}")
