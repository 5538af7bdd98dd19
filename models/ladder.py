"""The table of sizes. Parameters and FLOPs of a rung are counted in `models.counting`."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One size of a family: transformer blocks, channels, attention heads."""

    name: str
    depth: int
    width: int
    heads: int


def _table(*rows: tuple[str, int, int, int]) -> dict[str, Rung]:
    return {n: Rung(name=n, depth=d, width=w, heads=h) for n, d, w, h in rows}


LADDERS: dict[str, dict[str, Rung]] = {
    # Heads of 16 to 36 channels, 24 where the width allows; a block holds 18 width^2 parameters.
    "dit": _table(
        # name   depth width heads
        ("w20", 1, 20, 1),
        ("w24", 2, 24, 1),
        ("w36", 2, 36, 1),
        ("w48", 2, 48, 2),
        ("w60", 3, 60, 3),
        ("w72", 4, 72, 3),
        ("w96", 5, 96, 4),
        ("w144", 5, 144, 6),
        ("w192", 6, 192, 8),
        ("w288", 7, 288, 12),
    ),
}


def ladder(family: str) -> tuple[Rung, ...]:
    """The rungs of `family`, smallest first; KeyError names the families there are."""
    if family not in LADDERS:
        raise KeyError(f"no ladder '{family}'; there are: {', '.join(LADDERS)}")
    return tuple(LADDERS[family].values())
