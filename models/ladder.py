"""The table of sizes of a family."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One size of a family: blocks (of a U-Net: on each level), channels, attention heads."""

    name: str
    depth: int
    width: int
    heads: int


def table(*rows: tuple[str, int, int, int]) -> Mapping[str, Rung]:
    """Rungs by name, from (name, depth, width, heads), smallest first."""
    return {n: Rung(name=n, depth=d, width=w, heads=h) for n, d, w, h in rows}


def head_widths(rungs: Iterable[Rung]) -> dict[str, float]:
    """Channels of one attention head, by the rung's name."""
    return {rung.name: rung.width / rung.heads for rung in rungs}
