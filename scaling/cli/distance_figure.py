"""The Frechet distance at ever fewer samples, and the line to its limit."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scaling.errors import InputError
from scaling.measure.distances.infinite import Extrapolation, frechet_infinite
from scaling.measure.distances.metrics import halves
from scaling.measure.features.sets import FeatureSet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SUFFIXES = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}, ".png": {"Software": None}}
"""What can be drawn, and what would make two drawings differ."""


def drawable(path: Path) -> None:
    """InputError for a file of another kind."""
    if path.suffix not in SUFFIXES:
        raise InputError(f"--figure {path} should end in one of {', '.join(SUFFIXES)}")


def draw(real: FeatureSet, generated: FeatureSet, path: Path) -> None:
    """The generated set's line and that of two real halves, with their limits at 1/n = 0."""
    from matplotlib.figure import Figure

    from analysis.figures.style import COLUMN, FITTED, INK, styled

    first, second = halves(real.features)
    lines = {
        "generated": (frechet_infinite(real.features, generated.features), FITTED, "o"),
        "real halves": (
            frechet_infinite(real.features[first], real.features[second]), INK, "s",
        ),
    }  # fmt: skip
    with styled():
        figure = Figure(figsize=(COLUMN, 2.6))
        axes = figure.subplots()
        for name, (found, colour, marker) in lines.items():
            line(axes, found, name, colour, marker)
        axes.set_xlabel("1 / number of generated samples")
        axes.set_ylabel("Frechet distance")
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        axes.ticklabel_format(axis="x", style="sci", scilimits=(-2, 2), useMathText=True)
        figure.legend(loc="outside upper left", title="limit, 95 % interval", alignment="left")
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, metadata=SUFFIXES[path.suffix])


def line(axes: "Axes", found: Extrapolation, name: str, colour: str, marker: str) -> None:
    """Means over shares, the line through three of them, and the limit with its interval."""
    x = 1 / np.array(found.counts)
    limit = found.limit
    ends = [[limit.value - limit.low], [limit.high - limit.value]]
    told = f"{name}: {limit.value:.3g} [{limit.low:.3g}, {limit.high:.3g}]"
    axes.plot(x, found.values, marker, color=colour, clip_on=False)
    reach = np.array([0, x[-1]])
    axes.plot(reach, limit.value + found.slope.value * reach, color=colour, lw=0.9)
    axes.errorbar(
        0, limit.value, yerr=ends, fmt=marker, mfc="white", color=colour, capsize=2.5, label=told
    )
