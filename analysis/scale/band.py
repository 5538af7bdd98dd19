"""A value with its interval, and the power laws that pass through such values."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.rounding import rounded
from analysis.uncertainty.tails import tails

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Band:
    """An estimate and its interval (nan where nothing was refitted)."""

    value: float
    low: float = math.nan
    high: float = math.nan

    def __str__(self) -> str:
        if not math.isfinite(self.low):
            return f"{self.value:.4g}"
        if abs(self.value) >= 1e5 or 0 < abs(self.value) < 1e-3:
            return f"{self.value:.3g} [{self.low:.3g}, {self.high:.3g}]"
        value, low, high = rounded(self.value, self.low, self.high)
        return f"{value} [{low}, {high}]"


def band(value: float, drawn: Array | None, confidence: float) -> Band:
    """The interval of replicates [B] about a value; those that are not numbers do not count."""
    drawn = np.empty(0) if drawn is None else drawn[np.isfinite(drawn)]
    if not drawn.size:
        return Band(value=float(value))
    low, high = np.quantile(drawn, tails(confidence))
    return Band(value=float(value), low=float(low), high=float(high))


@dataclass(frozen=True, kw_only=True)
class PowerLaw:
    """y = coefficient * x^exponent; `middle` is the x where the line is pinned best."""

    y: str
    x: str
    coefficient: Band
    exponent: Band
    middle: float
    at_middle: float

    def __call__(self, x: ArrayLike) -> Array:
        """Its value at x."""
        ratio = np.asarray(x, float) / self.middle
        return np.asarray(self.at_middle * ratio**self.exponent.value, float)

    def __str__(self) -> str:
        return f"{self.y} = {self.coefficient.value:.4g} {self.x}^{self.exponent}"


def power_law(
    x: Array, y: Array, drawn: Array | None, confidence: float, *, names: tuple[str, str]
) -> PowerLaw:
    """Least squares in logarithms through positive x, y [n] and replicates of y [B, n].

    Each point counts by the inverse variance of its replicates' logarithms, or all alike where
    there are none. A replicate without some of its points is fitted to the others. Where the points
    scatter about the line more than their replicates do, those are spread by the ratio of the two
    (Birge 1932, doi 10.1103/PhysRev.40.207).
    """
    log_x, log_y = np.log(x), np.log(y)
    centre = log_x.mean()
    weights, spread = np.ones(len(x)), np.zeros(len(x))
    if drawn is not None:
        spread = np.nanvar(np.log(drawn), axis=0)
        if (spread > 1e-24).all():
            weights = spread.min() / spread
    level, slope = _line(log_x - centre, log_y[None], weights)
    ratio, freedom = 1.0, len(x) - 2
    if freedom and (spread > 1e-24).all():
        away = log_y - level - slope * (log_x - centre)
        ratio = max(1.0, float(np.sqrt((away**2 / spread).sum() / freedom)))
    levels = slopes = None
    if drawn is not None:
        levels, slopes = _line(log_x - centre, np.log(drawn), weights)
        levels, slopes = level + ratio * (levels - level), slope + ratio * (slopes - slope)
        levels = np.exp(levels - slopes * centre)
    return PowerLaw(
        y=names[0],
        x=names[1],
        coefficient=band(float(np.exp(level[0] - slope[0] * centre)), levels, confidence),
        exponent=band(float(slope[0]), slopes, confidence),
        middle=float(np.exp(centre)),
        at_middle=float(np.exp(level[0])),
    )


def _line(x: Array, y: Array, weights: Array) -> tuple[Array, Array]:
    """Level at 0 and slope [B] of weighted lines through x [n] and y [B, n], nan left out."""
    w = np.where(np.isfinite(y), weights, 0.0)
    y = np.where(np.isfinite(y), y, 0.0)
    total = w.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean_x, mean_y = (w @ x) / total, (w * y).sum(axis=1) / total
        away = x - mean_x[:, None]
        slope = (w * away * y).sum(axis=1) / (w * away**2).sum(axis=1)
    return mean_y - slope * mean_x, slope
