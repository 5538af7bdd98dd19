"""What `scaling schedules` prints and writes of densities, factors and implied weightings."""

from collections.abc import Sequence
from itertools import pairwise

from analysis.formats import Sheet
from scaling.config.diffusion import DiffusionConfig
from scaling.config.weightings import FreeWeighting
from scaling.schedules import BANDS, Profile
from sweeps.labels import in_words

LEARNED = "learned: divided by exp(u) in training; once u has settled, density over error"
COARSE, FINE = 100, 25
"""Of the grid's points every so many are printed and written."""


def names(config: DiffusionConfig) -> tuple[str, str, str]:
    """Density, factor and implied weighting in words; of the last two one follows from the rest."""
    free = isinstance(config.implied, FreeWeighting)
    factor = f"{in_words(config.weighting.model_dump())} on the {config.error}-error"
    return (
        in_words(config.density.model_dump()),
        factor if free else "what is implied over the density",
        "density times factor" if free else in_words(config.implied.model_dump()),
    )


def level(log_snr: float) -> str:
    """Rounded: the grid is float32's."""
    return f"{round(float(log_snr), 4) + 0.0:g}"


def summary(curves: Sequence[Profile]) -> Sheet:
    """One row a schedule: what it is, where it draws, and whether it is a bound."""
    bands = (f"{a:g}..{b:g}" for a, b in pairwise(BANDS))
    return Sheet(
        title="Noise schedules",
        headings=(
            "schedule",
            "density",
            "factor",
            "implied weighting",
            *bands,
            "effective",
            "monotone",
        ),
        rows=tuple(
            (
                curve.label,
                *names(curve.config),
                *(f"{share:.1%}" for share in curve.shares),
                "-" if curve.learned else f"{curve.effective:.0%}",
                LEARNED
                if curve.learned
                else ("yes: a likelihood bound" if curve.monotone else "no"),
            )
            for curve in curves
        ),
    )


def levels(curves: Sequence[Profile], every: int = FINE) -> Sheet:
    """The three curves of each schedule on a grid of levels."""
    return Sheet(
        title="Density, factor on the error and weighting of the epsilon-error (largest: one)",
        headings=("schedule", "log_snr", "density", "factor", "implied weighting"),
        rows=tuple(
            (curve.label, level(curve.log_snr[at]), *(f"{of[at]:.4g}" for of in of_each))
            for curve in curves
            for of_each in [(curve.density, curve.factor, curve.weighting)]
            for at in range(0, len(curve.log_snr), every)
        ),
    )


def weights(curves: Sequence[Profile]) -> list[list[str]]:
    """The implied weighting of each schedule at a few levels, under a heading of those levels.

    Schedules with other limits than the first have rows of their own levels above them.
    """
    rows: list[list[str]] = []
    for curve in curves:
        heading = ["w, largest 1, at log-SNR", *map(level, curve.log_snr[::COARSE])]
        if heading not in rows:
            rows.append(heading)
        rows.append([curve.label, *(f"{w:.2g}" for w in curve.weighting[::COARSE])])
    return rows
