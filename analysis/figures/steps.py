"""Loss against optimiser steps, a curve per rung, with the joint law."""

import numpy as np
from matplotlib.figure import Figure

from analysis.figures.style import (
    COLUMN,
    log_loss,
    log_size,
    rung_colours,
    short,
    styled,
)
from analysis.laws.suited import joint_law
from analysis.study import Series
from analysis.words import metric_label


def scaling_in_steps(series: Series) -> Figure | None:
    """Points per run and horizon; lines are the joint law, dashed for the rungs kept from it."""
    points = series.selection.points
    if points["steps"].nunique() < 2 or not series.selection.horizons:
        return None
    law = joint_law(series.selection.metric)
    held = series.hold_out(law)
    joint = held.fit if held else series.fit(law)
    kept = set(joint.rungs) if joint else set()
    with styled():
        figure = Figure(figsize=(COLUMN, 2.7))
        axes = figure.add_subplot()
        colours = rung_colours(len(series.selection.rungs))
        for rung, colour in zip(series.selection.rungs, colours, strict=True):
            rows = points[points["rung"] == rung]
            label = f"{rung} ({short(rows['size'].iloc[0])})"
            face = colour if rung in kept or not joint else "white"
            axes.plot(rows["steps"], rows["value"], "o", ms=3, mfc=face, mec=colour, label=label)
            if joint:
                x = np.geomspace(rows["steps"].min(), rows["steps"].max(), 100)
                y = joint.predict(N=np.full_like(x, rows["size"].iloc[0]), S=x)
                axes.plot(x, y, "-" if rung in kept else "--", color=colour, lw=0.9)
        log_size(axes, points["steps"].to_numpy(float))
        log_loss(axes)
        axes.set_xlabel("steps")
        axes.set_ylabel(metric_label(series.selection.metric))
        title = "rung (size); lines: joint law" if joint else "rung (size)"
        axes.legend(title=title, title_fontsize=6.5, ncols=2, loc="upper right")
    return figure
