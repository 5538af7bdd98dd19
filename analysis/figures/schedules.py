"""Noise densities, factors and the weightings that they imply, against log-SNR."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from analysis.figures.style import PAGE, styled

DECADES = 1e-4
"""Of the largest: what lies lower is not drawn."""


@dataclass(frozen=True)
class Curves:
    """One schedule: density, factor and implied weighting (its largest value one) on `log_snr`."""

    label: str
    log_snr: np.ndarray
    density: np.ndarray
    factor: np.ndarray
    weighting: np.ndarray
    monotone: bool


def draw_schedules(curves: Sequence[Curves]) -> Figure:
    """Three panels; weightings that are not monotone are dashed."""
    with styled():
        figure = Figure(figsize=(PAGE, 2.6))
        density, factor, weighting = figure.subplots(1, 3)
        for number, curve in enumerate(curves):
            colour, style = f"C{number}", "-" if curve.monotone else "--"
            drawn = curve.density > DECADES * curve.density.max()
            x = curve.log_snr
            density.plot(x, curve.density, color=colour, lw=1)
            factor.plot(x[drawn], curve.factor[drawn], color=colour, lw=1)
            shown = curve.weighting > DECADES
            weighting.plot(
                x[shown], curve.weighting[shown], color=colour, ls=style, lw=1, label=curve.label
            )
        for axes, label in (
            (density, "density of samples"),
            (factor, "factor on the error"),
            (weighting, "weighting of the epsilon-error"),
        ):
            axes.set_xlabel("log-SNR (noisy to clean)")
            axes.set_ylabel(label)
            axes.margins(x=0.01)
        factor.set_yscale("log")
        weighting.set_yscale("log")
        weighting.set_ylim(DECADES, 2)
        figure.legend(loc="outside upper center", ncols=min(len(curves), 2), frameon=False)
    return figure
