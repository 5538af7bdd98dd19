"""Numbers written to the digits that their errors allow, or that a glance takes in."""

import re
from math import floor, isfinite, log10


def rounded(value: float, low: float, high: float) -> tuple[str, str, str]:
    """Value and interval with two significant digits of the interval's half width."""
    width = abs(high - low) / 2
    if not isfinite(width) or width == 0:
        return f"{value:.6g}", f"{low:.6g}", f"{high:.6g}"
    places = 1 - floor(log10(width))
    return _fixed(value, places), _fixed(low, places), _fixed(high, places)


def with_error(value: float, error: float | None) -> tuple[str, str]:
    """Value and standard error, the error to two significant digits."""
    if error is None or not isfinite(error) or error <= 0:
        return f"{value:.5g}", ""
    places = 1 - floor(log10(error))
    return _fixed(value, places), _fixed(error, places)


def short(number: float, digits: int = 3) -> str:
    """12345 as 12.3k, to so many significant digits."""
    for unit, suffix in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= unit:
            return f"{float(f'{number / unit:.{digits}g}'):g}{suffix}"
    return f"{float(f'{number:.{digits}g}'):g}"


def named(rung: str) -> str:
    """A rung's name; where that is but its size, the size in short."""
    return short(float(rung)) if re.fullmatch(r"\d{5,}(\.\d+)?", rung) else rung


def _fixed(number: float, places: int) -> str:
    shown = round(number, places) + 0.0  # never -0
    if abs(number) >= 1e7 or (shown and abs(number) < 1e-5):
        return f"{number:.3g}"
    return f"{shown:.{max(places, 0)}f}"
