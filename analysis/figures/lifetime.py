"""Training and sampling paid together: the cheapest size, and what ignoring the samples costs."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from analysis.figures.style import FITTED, INK, PAGE, short, styled
from analysis.scale.sampling import Lifetime


def lifetime_cost(found: Sequence[Lifetime]) -> Figure | None:
    """Left: the cheapest size against images sampled, with its band; right: the waste in per cent.

    A point each of `found`, which ask for one loss; None where there are none.
    """
    if not found:
        return None
    images = np.array([item.images for item in found])
    low, size, high = (
        np.array([getattr(item.size, end) for item in found]) for end in ("low", "value", "high")
    )
    alone = found[0].training_only.value
    with styled():
        figure = Figure(figsize=(PAGE, 2.5))
        left, right = figure.subplots(1, 2)
        left.plot(images, size, color=FITTED, label="cheapest in all")
        if np.isfinite(low).all():
            left.fill_between(images, low, high, color=FITTED, alpha=0.18, lw=0)
        left.axhline(alone, color=INK, lw=0.8, ls="--", label="cheapest to train")
        left.set_yscale("log")
        left.yaxis.set_major_locator(LogLocator(numticks=6))
        left.yaxis.set_minor_formatter(NullFormatter())
        left.yaxis.set_major_formatter(FuncFormatter(lambda y, _: short(y)))
        left.set_ylabel("size, parameters")
        left.set_title(f"size for loss {found[0].loss:g}")
        left.legend(loc="best")
        right.plot(images, [100 * item.saved for item in found], color=FITTED)
        right.set_ylim(bottom=0)
        right.set_ylabel("more FLOPs, %")
        right.set_title("what the size cheapest to train costs")
        for axes in (left, right):
            axes.set_xscale("log")
            axes.xaxis.set_major_locator(LogLocator(numticks=6))
            axes.xaxis.set_minor_formatter(NullFormatter())
            axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: short(x)))
            axes.set_xlabel(f"images sampled, {found[0].evaluations:g} evaluations each")
    return figure
