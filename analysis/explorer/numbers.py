"""Numbers as a page needs them: no more digits than can be seen, and null for what is none."""

import math
from typing import Any

import numpy as np

EXACT = 15
"""Digits of whole numbers, which are not rounded."""


def number(value: Any, digits: int = 5) -> float | int | None:
    """A number of so many significant digits, whole ones without a point; None for the rest."""
    try:
        rounded = float(f"{float(value):.{digits}g}")
    except (TypeError, ValueError):
        return None
    if not math.isfinite(rounded):
        return None
    return int(rounded) if rounded == int(rounded) and abs(rounded) < 1e15 else rounded


def numbers(values: Any, digits: int = 5) -> list[float | int | None]:
    """The same of many."""
    return [number(value, digits) for value in np.ravel(values)]
