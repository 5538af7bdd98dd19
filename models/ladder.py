"""The table of sizes of a family."""

from collections.abc import Mapping
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
