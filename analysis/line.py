"""A straight line by least squares: slopes on logarithmic axes, with their errors."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Line:
    """y = intercept + slope * x; the slope's error is nan where two points leave none."""

    slope: float
    intercept: float
    standard_error: float
    freedom: int

    def interval(self, confidence: float) -> tuple[float, float] | None:
        """Student's t interval of the slope; None without degrees of freedom."""
        if not self.freedom:
            return None
        from scipy.special import stdtrit  # only here, for most studies need none

        reach = float(stdtrit(self.freedom, (1 + confidence) / 2)) * self.standard_error
        return self.slope - reach, self.slope + reach


def line(x: Sequence[float] | np.ndarray, y: Sequence[float] | np.ndarray) -> Line:
    """The line nearest to points [n] at two distinct x or more."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    centred = x - x.mean()
    squares = (centred**2).sum()
    slope = float(centred @ y / squares)
    intercept = float(y.mean() - slope * x.mean())
    freedom = len(x) - 2
    rest = float(((y - intercept - slope * x) ** 2).sum())
    error = math.sqrt(rest / freedom / squares) if freedom else math.nan
    return Line(slope=slope, intercept=intercept, standard_error=error, freedom=freedom)
