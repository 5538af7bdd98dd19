"""Loss against optimiser steps, a curve per rung, with the joint law."""

import numpy as np
from matplotlib.figure import Figure

from analysis.figures.floors import floor_in_words, no_law, note
from analysis.figures.style import (
    COLUMN,
    log_loss,
    log_size,
    rung_colours,
    short,
    styled,
)
from analysis.laws import find
from analysis.laws.suited import joint_law
from analysis.study import Series
from analysis.words import metric_label


def scaling_in_steps(series: Series) -> Figure | None:
    """Points per run and horizon, and lines of the joint law, dashed for the rungs kept from it.

    Without a joint law each rung has its own in steps; its floor, or that none is identified, and
    why there is no law, are said.
    """
    points = series.selection.points
    if points["steps"].nunique() < 2 or not series.selection.horizons:
        return None
    law = joint_law(series.selection.metric)
    held = series.hold_out(law)
    joint = (held.fit if held else None) or series.fit(law)
    of_rungs = {
        item.rung: item.fit
        for item in series.fits
        if item.rung is not None and item.fit and not joint
    }
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
            elif own := of_rungs.get(rung):
                x = np.geomspace(*own.ranges["x"], 100)
                axes.plot(x, own.predict(x=x), "-", color=colour, lw=0.9)
        log_size(axes, points["steps"].to_numpy(float))
        log_loss(axes)
        axes.set_xlabel("steps")
        axes.set_ylabel(metric_label(series.selection.metric))
        lines = "joint law" if joint else f"{find('floor').title} in steps" if of_rungs else ""
        title = f"rung (size); lines: {lines}" if lines else "rung (size)"
        columns = min(2, len(series.selection.rungs))
        axes.legend(title=title, title_fontsize=6.5, ncols=columns, loc="upper right")
        if joint or of_rungs:  # floors of several rungs are in the table
            note(axes, floor_in_words({"": joint} if joint else of_rungs))
        else:
            no_law(axes, [item.unsupported for item in series.fits if item.along != "size"])
    return figure
