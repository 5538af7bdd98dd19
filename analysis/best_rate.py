"""The best learning rate of one rung among those tried, and how well it is known."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.settings import FitSettings
from analysis.uncertainty.tails import tails

Array = NDArray[np.float64]
Edge = Literal["lowest", "highest"]


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One rate of a rung: the mean loss of its runs at their last horizon (nan: none has one).

    `standard_error` is that over seeds, nan for fewer than two; `diverged` names the runs that did.
    """

    rate: float
    loss: float
    standard_error: float
    runs: int
    diverged: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RungRates:
    """The rates tried for one rung. `best` is the one of least loss among those tried.

    `optimum` and `least` are the vertex of the parabola in log rate through the best and its
    neighbours; None where the best lies at an `edge` of what was tried, for then it is unknown.
    `interval` says where the optimum may lie for the noise between seeds: 0 or infinite at an end
    that the rates tried do not bound; None without repeated seeds.
    """

    rung: str
    size: float
    width: float | None
    tried: tuple[Tried, ...]
    best: float
    edge: Edge | None
    optimum: float | None
    least: float | None
    interval: tuple[float, float] | None
    note: str = ""

    @property
    def estimate(self) -> float:
        """The optimum, or the best tried where there is none."""
        return self.best if self.optimum is None else self.optimum


def tried_rates(points: pd.DataFrame, diverged: dict[float, list[str]]) -> tuple[Tried, ...]:
    """Of a rung's runs at the last horizon, and of those that diverged; lowest rate first."""
    if points.empty:
        return ()
    rates, losses = points["learning_rate"].to_numpy(float), points["value"].to_numpy(float)
    found = []
    for rate in sorted({*rates.tolist(), *diverged}):
        values = losses[rates == rate]
        count = len(values)
        error = values.std(ddof=1) / math.sqrt(count) if count > 1 else math.nan
        found.append(
            Tried(
                rate=rate,
                loss=float(values.mean()) if count else math.nan,
                standard_error=float(error),
                runs=count,
                diverged=tuple(diverged.get(rate, ())),
            )
        )
    return tuple(found)


def _losses(cells: Sequence[Tried]) -> Array:
    """Losses [n]; infinite where a run diverged, unless one did at every rate."""
    every = np.array([cell.loss if cell.runs else math.inf for cell in cells])
    sound = np.where([bool(cell.diverged) for cell in cells], math.inf, every)
    return sound if np.isfinite(sound).any() else every


def noise_over_seeds(rungs: Any) -> tuple[float, int]:
    """(relative deviation of a run's loss over seeds, degrees of freedom) near the best rates.

    Pooled over rungs; runs far from the best rate are noisier and do not count.
    """
    squares, freedom = 0.0, 0
    for cells in rungs:
        best = int(_losses(cells).argmin())
        for cell in cells[max(best - 1, 0) : best + 2]:
            if cell.runs > 1:
                relative = cell.standard_error * math.sqrt(cell.runs) / cell.loss
                squares += (cell.runs - 1) * relative**2
                freedom += cell.runs - 1
    return (math.sqrt(squares / freedom) if freedom else math.nan), freedom


def best_rate(
    rung: str,
    size_and_width: tuple[float, float],
    cells: tuple[Tried, ...],
    noise: tuple[float, int],
    settings: FitSettings,
) -> RungRates:
    """The parabola through the rates tried, given the noise between seeds."""
    losses = _losses(cells)
    best = int(losses.argmin())
    log_rates = np.log([cell.rate for cell in cells])
    edge: Edge | None = {0: "lowest", len(cells) - 1: "highest"}.get(best)  # type: ignore[assignment]
    optimum, least, note = None, None, ""
    if not edge and np.isfinite(losses[best - 1 : best + 2]).all():
        where, least = vertex(log_rates[best - 1 : best + 2], losses[best - 1 : best + 2])
        optimum, least = float(np.exp(where)), float(least)
    elif not edge:
        optimum, least = cells[best].rate, float(losses[best])
        note = "no parabola, for a run at a neighbouring rate diverged"
    interval = None if edge else _interval(log_rates, losses, cells, noise, settings)
    size, width = size_and_width
    return RungRates(
        rung=rung,
        size=size,
        width=width if math.isfinite(width) else None,
        tried=cells,
        best=cells[best].rate,
        edge=edge,
        optimum=optimum,
        least=least,
        interval=interval,
        note=note,
    )


def vertex(x: Array, y: Array) -> tuple[Array, Array]:
    """Where the parabolas through x [3] and y [..., 3] are least, and how low.

    The middle point is the lowest of each; three equal ones have their least in the middle.
    """
    (a, b), (left, right) = np.diff(x), np.moveaxis(np.diff(y), -1, 0)
    curvature = (right / b - left / a) / (a + b)
    slope = (left / a * b + right / b * a) / (a + b)  # at the middle point
    flat = curvature <= 0
    shift = np.where(flat, 0.0, -slope / np.where(flat, 1.0, 2 * curvature))
    return x[1] + shift, y[..., 1] + shift * (slope + curvature * shift)


def _interval(
    log_rates: Array,
    losses: Array,
    cells: Sequence[Tried],
    noise: tuple[float, int],
    settings: FitSettings,
) -> tuple[float, float] | None:
    """Quantiles of the optimum over sweeps drawn anew: mean losses with Student noise of the seeds.

    In each the best rate is chosen anew; where that is at an edge the optimum lies beyond it.
    """
    deviation, freedom = noise
    if not freedom or not settings.bootstrap:
        return None
    draws = np.random.default_rng(settings.seed).standard_t(
        freedom, (settings.bootstrap, len(cells))
    )
    errors = deviation / np.sqrt([max(cell.runs, 1) for cell in cells])
    drawn = np.where(np.isfinite(losses), losses * (1 + errors * draws), math.inf)
    best = drawn.argmin(axis=1)
    optima = log_rates[best]
    optima[best == 0], optima[best == len(cells) - 1] = -math.inf, math.inf
    for middle in range(1, len(cells) - 1):
        around = slice(middle - 1, middle + 2)
        chosen = best == middle
        if chosen.any() and np.isfinite(losses[around]).all():
            optima[chosen] = vertex(log_rates[around], drawn[chosen][:, around])[0]
    lower, upper = tails(settings.confidence)
    low = np.quantile(optima, lower, method="lower")
    high = np.quantile(optima, upper, method="higher")
    return float(np.exp(low)), float(np.exp(high))
