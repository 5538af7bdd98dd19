"""Loss against learning rate: a curve per rung, its optimum marked, a panel per series."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.best_rate import RungRates
from analysis.figures.style import (
    HELD_OUT,
    Colour,
    log_loss,
    panels,
    rung_colours,
    styled,
)
from analysis.study import Study
from analysis.words import metric_label

MARKS: dict[str, dict[str, Any]] = {
    "optimum": {"marker": "D", "ms": 4, "mfc": "white", "mec": "#555555"},
    "best at an end of the rates tried": {"marker": "o", "ms": 6.5, "mfc": "none", "mec": HELD_OUT},
    "diverged": {"marker": "x", "ms": 4, "mec": "#555555"},
}


def learning_rates(study: Study) -> Figure | None:
    """Each rung's loss at the last horizon over the rates tried; None where no rate was swept."""
    swept = [(series, series.rates) for series in study.series if series.rates]
    if not swept:
        return None
    every = [item for _, rates in swept for item in rates.rungs]
    names = list(dict.fromkeys(item.rung for item in sorted(every, key=lambda item: item.size)))
    colours = dict(zip(names, rung_colours(len(names)), strict=True))
    with styled():
        figure, axes = panels([series.label for series, _ in swept], share_y=True)
        for (_, rates), panel in zip(swept, axes, strict=True):
            for item in rates.rungs:
                _curve(panel, item, colours[item.rung])
            panel.set_xscale("log")
            panel.set_xlabel("learning rate")
        log_loss(axes[0])
        axes[0].set_ylabel(metric_label(swept[0][0].selection.metric))
        _legend(figure, axes[0], every, colours)
    return figure


def _curve(axes: Axes, item: RungRates, colour: Colour) -> None:
    """Means with two standard errors; crosses on the top edge where runs diverged."""
    cells = [cell for cell in item.tried if cell.runs]
    axes.errorbar(
        [cell.rate for cell in cells],
        [cell.loss for cell in cells],
        yerr=[2 * cell.standard_error if cell.runs > 1 else 0 for cell in cells],
        fmt="o-",
        ms=3,
        lw=1,
        elinewidth=0.7,
        color=colour,
    )
    mark: dict[str, Any]
    if item.edge:
        best = next(cell for cell in cells if cell.rate == item.best)
        mark = MARKS["best at an end of the rates tried"]
        axes.plot(item.best, best.loss, ls="none", zorder=5, **mark)
    elif item.optimum and item.least:
        mark = {**MARKS["optimum"], "mec": colour}
        axes.plot(item.optimum, item.least, ls="none", zorder=5, **mark)
    for cell in item.tried:
        if cell.diverged:
            mark = {**MARKS["diverged"], "mec": colour}
            top = axes.get_xaxis_transform()
            axes.plot(cell.rate, 0.98, ls="none", transform=top, **mark)


def _legend(figure: Figure, axes: Axes, rungs: list[RungRates], colours: dict[str, Colour]) -> None:
    """One for all panels, above them: rungs, then the marks in use."""
    shown = {
        "optimum": any(item.optimum for item in rungs),
        "best at an end of the rates tried": any(item.edge for item in rungs),
        "diverged": any(cell.diverged for item in rungs for cell in item.tried),
    }
    handles = [
        axes.plot([], [], "o-", ms=3, lw=1, color=colour, label=name)[0]
        for name, colour in colours.items()
    ]
    handles += [
        axes.plot([], [], ls="none", label=name, **MARKS[name])[0]
        for name, used in shown.items()
        if used
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=min(len(handles), 7))
