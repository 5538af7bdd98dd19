"""Loss, and excess over the floor, against log-SNR: a curve per rung with its band."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from analysis.figures.style import COLUMN, INK, rung_colours, styled
from analysis.noise_levels import NoiseCurve
from analysis.study import Series


def noise_levels(series: Series) -> Figure | None:
    """The loss at each noise level at the last horizon; bands of two standard errors."""
    return _curves(series.noise_levels, "loss")


def excess_levels(series: Series) -> Figure | None:
    """The loss above the closed-form floor at each noise level."""
    return _curves(series.excess_levels, "loss above the closed-form floor")


def _curves(curves: Sequence[NoiseCurve], label: str) -> Figure | None:
    if not curves:
        return None
    with styled():
        figure = Figure(figsize=(COLUMN, 2.6))
        axes = figure.add_subplot()
        for curve, colour in zip(curves, rung_colours(len(curves)), strict=True):
            loss, error = np.array(curve.loss), np.array(curve.standard_error)
            axes.plot(curve.log_snr, loss, color=colour, label=curve.rung, lw=1)
            axes.fill_between(
                curve.log_snr, loss - 2 * error, loss + 2 * error, color=colour, alpha=0.15, lw=0
            )
        if min(min(curve.loss) for curve in curves) <= 0:
            axes.axhline(0, color=INK, lw=0.6)
        axes.set_xlabel("log-SNR (noisy to clean)")
        axes.set_ylabel(label)
        axes.margins(x=0.01)
        axes.legend(ncols=2)
    return figure
