"""Simulate, fit and bootstrap, many sweeps at once; count the intervals that hold the truth."""

import math
import time
from dataclasses import dataclass
from functools import partial

import numpy as np

from analysis.coverage.cells import Cell
from analysis.coverage.simulate import Array, Sweeps, design, simulate, variables_of
from analysis.estimation.estimate import LEAST_DELTA, estimate
from analysis.estimation.problem import pose, stack
from analysis.uncertainty.bootstrap import Replicates, bootstrap
from analysis.uncertainty.resampling import Method
from analysis.uncertainty.tails import tails

BATCH = 25
"""Sweeps fitted at once. They share the bootstrap's random numbers; batches do not."""
PREDICTION = "next rung"


@dataclass(frozen=True, kw_only=True)
class Share:
    """How many of `count` intervals hold the truth; `below` and `above` miss it on that side."""

    held: int
    below: int
    above: int
    error: float

    @property
    def count(self) -> int:
        """Sweeps simulated."""
        return self.held + self.below + self.above

    @property
    def value(self) -> float:
        """Between 0 and 1; `error` is its standard error from the simulation."""
        return self.held / self.count


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """Of a cell's nominal `confidence` intervals: by parameter, and of the next rung's mean."""

    cell: Cell
    confidence: float
    shares: dict[str, Share]
    cpu_seconds: float

    @property
    def lowest(self) -> tuple[str, Share]:
        """The one that holds the truth least often."""
        return min(self.shares.items(), key=lambda item: item[1].value)

    def sentence(self) -> str:
        """What was found, in words."""
        name, share = self.lowest
        low = share.value + 2 * share.error < self.confidence
        verdict = "too narrow" if low else "as wide as they say or wider"
        return (
            f"{self.cell.name}: intervals are {verdict}; nominal {self.confidence:.0%} ones of "
            f"{name} hold the truth in {share.value:.1%} ± {share.error:.1%} of {share.count} "
            "sweeps, and the others at least as often."
        )


def measure(
    cell: Cell,
    replicates: int,
    *,
    draws: int = 200,
    confidence: float = 0.95,
    seed: int = 0,
    method: Method = "auto",
) -> Coverage:
    """Coverage in `replicates` sweeps, each bootstrapped `draws` times."""
    start, sides = time.process_time(), []
    for batch in range(-(-replicates // BATCH)):
        count = min(BATCH, replicates - batch * BATCH)
        sweeps = simulate(cell, count, np.random.default_rng([seed, batch]))
        fits = _refit(cell, sweeps, draws, seed=1000 * seed + batch, method=method)
        rng = np.random.default_rng([seed, batch, 1])
        side = partial(_side, cell, confidence=confidence, rng=rng)
        sides.append([side(one, value) for one, value in zip(fits, sweeps.measured, strict=True)])
    names = [*cell.form.parameters, PREDICTION]
    return Coverage(
        cell=cell,
        confidence=confidence,
        shares={name: _share([np.array(b)[:, k] for b in sides]) for k, name in enumerate(names)},
        cpu_seconds=time.process_time() - start,
    )


def _refit(
    cell: Cell, sweeps: Sweeps, draws: int, *, seed: int, method: Method
) -> list[Replicates]:
    variables = variables_of(cell, sweeps.points)
    posed = [pose(cell.form, variables, values, delta=LEAST_DELTA) for values in sweeps.values]
    problems, best = estimate(stack(posed), fixed_delta=False)
    return bootstrap(
        problems,
        best,
        [sweeps.points] * len(best),
        fitted=cell.form.parameters_of(cell.form.variables[0]),
        count=draws,
        seed=seed,
        method=method,
    )


def _side(
    cell: Cell, found: Replicates, measured: float, *, confidence: float, rng: np.random.Generator
) -> list[int]:
    """Per parameter and for the prediction: 0 where the interval holds it, else -1 or 1.

    Quantiles are those whose expected coverage is exact for any number of draws (the k-th of n is
    the k / (n + 1) quantile; Hyndman & Fan 1996, definition 6).
    """
    points = design(cell)
    last = variables_of(cell, points[(points["run"] == points["run"].max())].tail(1))
    predicted = found.new_measurements(last, cell.seeds, rng)
    drawn = np.column_stack([found.parameters, predicted])
    truth = np.array([*(cell.truth[name] for name in cell.form.parameters), measured])
    low, high = np.quantile(drawn, tails(confidence), axis=0, method="weibull")
    return list(np.where(truth < low, -1, np.where(truth > high, 1, 0)))


def _share(batches: list[Array]) -> Share:
    """The error is binomial, or that of the batches' means where these spread more."""
    every = np.concatenate(batches)
    held = float(np.mean(every == 0))
    smoothed = (held * len(every) + 1) / (len(every) + 2)
    error = math.sqrt(smoothed * (1 - smoothed) / len(every))
    if len(batches) >= 10:
        means = [np.mean(part == 0) for part in batches]
        error = max(error, float(np.std(means, ddof=1)) / math.sqrt(len(means)))
    below, above = (int((every == side).sum()) for side in (1, -1))
    return Share(held=int((every == 0).sum()), below=below, above=above, error=error)
