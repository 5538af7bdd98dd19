"""The coordinate check: how far training moves each layer's activations, over width."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.coordinates import Coordinate
from analysis.figures.style import log_size, panels, rung_colours, styled
from analysis.study import Study
from analysis.transfer import slope

MOST_NAMED = 8
"""Layers that the legend names; those between are drawn, and the table has them."""


def coordinate_check(study: Study) -> Figure | None:
    """Root mean square of the activations' change at the last horizon; a panel per series."""
    found = {
        series.label: [item for item in series.coordinates if item.metric == "activation_change"]
        for series in study.series
    }
    found = {label: layers for label, layers in found.items() if layers}
    if not found:
        return None
    with styled():
        figure, axes = panels(list(found), share_y=True)
        for panel, layers in zip(axes, found.values(), strict=True):
            _panel(panel, layers)
        steps = next(iter(found.values()))[0].steps
        axes[0].set_ylabel(f"change of activations\nin {steps:,.0f} steps, r.m.s.")
    return figure


def _panel(axes: Axes, layers: list[Coordinate]) -> None:
    named = set(np.linspace(0, len(layers) - 1, min(len(layers), MOST_NAMED)).round())
    for number, (item, colour) in enumerate(zip(layers, rung_colours(len(layers)), strict=True)):
        label = f"{item.layer}: {slope(item.slope, item.standard_error)}"
        axes.plot(
            item.widths,
            item.values,
            "o-",
            ms=3,
            lw=1,
            color=colour,
            label=label if number in named else None,
        )
    axes.set_yscale("log")
    log_size(axes, np.array(layers[0].widths))
    axes.set_xticks(layers[0].widths, [f"{width:g}" for width in layers[0].widths])
    axes.minorticks_off()
    axes.set_xlabel("width")
    axes.legend(title="layer: slope ± standard error", title_fontsize=6.5)
