"""Scale questions as sheets of text."""

from collections.abc import Sequence

from analysis.formats import Sheet
from analysis.rounding import short
from analysis.scale.frontier import Frontier
from analysis.scale.isoflop import Isoflop
from analysis.scale.sampling import Lifetime
from analysis.scale.shifted import Shift, in_words


def isoflop_sheet(found: Isoflop | None) -> Sheet:
    """Every budget with its minimum, or why it has none."""
    rows = [
        (
            f"{item.flops:.3g}",
            str(len(item.size)),
            str(item.best_size or ""),
            str(item.best_data or ""),
            str(item.best_loss or ""),
            f"left out: {item.rejected}" if item.rejected else "",
        )
        for item in (found.profiles if found else ())
    ]
    headings = ("FLOPs", "sizes", "best size", "best data", "loss", "note")
    return Sheet(title="IsoFLOP profiles", headings=headings, rows=tuple(rows))


def frontier_sheet(found: Sequence[Frontier]) -> Sheet:
    """The best run at every budget, by each way of counting FLOPs."""
    rows = [
        (
            f"{item.flops:.3g}",
            part.cost,
            str(item.size),
            str(item.steps),
            str(item.loss),
            " ".join(
                ["beyond the runs"] * item.beyond + ["at the edge of the search"] * (not item.found)
            ),
        )
        for part in found
        for item in part.optima
    ]
    headings = ("FLOPs", "counted by", "best size", "steps", "loss", "note")
    return Sheet(title="Compute-optimal frontier", headings=headings, rows=tuple(rows))


def lifetimes_sheet(found: Sequence[Lifetime]) -> Sheet:
    """The cheapest model for each number of images sampled."""
    rows = [
        (
            f"{item.images:.3g}",
            f"{item.evaluations:g}",
            f"{item.loss:g}",
            str(item.size),
            str(item.training_only),
            f"{item.training.value:.3g}",
            f"{item.sampling.value:.3g}",
            f"{short(100 * item.saved, 2)}%",
        )
        for item in found
    ]
    headings = ("images", "evaluations", "loss", "best size", "size by training alone",
                "training FLOPs", "sampling FLOPs", "cost of ignoring sampling")  # fmt: skip
    return Sheet(title="Training and sampling", headings=headings, rows=tuple(rows))


def shifts_sheet(found: Sequence[Shift]) -> Sheet:
    """Sweeps against a baseline: slopes, and the factor on x."""
    rows = [
        (
            item.other,
            item.baseline,
            item.verdict,
            in_words(item.variable),
            str(item.multiplier),
            f"{item.at:.3g}",
            str(item.multiplier_at),
            "one for each" if item.own_floors else "one for both",
            str(item.floor_apart or ""),
            str(item.exponents[0]),
            str(item.exponents[1]),
            str(item.steeper),
        )
        for item in found
    ]
    headings = ("series", "against", "verdict", "along", "factor", "at", "factor there", "floors",
                "difference of floors", "exponent of baseline", "exponent",
                "difference")  # fmt: skip
    return Sheet(title="Shifted or steeper", headings=headings, rows=tuple(rows))
