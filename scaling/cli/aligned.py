"""Rows of text in columns, for a terminal."""

from collections.abc import Sequence


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """The first column to the left, the others to the right."""
    first, *widths = (max(map(len, column)) for column in zip(*rows, strict=True))
    return "\n".join(
        name.ljust(first) + "".join(f"  {c:>{w}}" for c, w in zip(rest, widths, strict=True))
        for name, *rest in rows
    )
