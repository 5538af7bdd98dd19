"""Does a law fit, or do its residuals show a pattern or exceed what seeds explain?"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analysis.fitted import Fit
from analysis.laws import find

Array = NDArray[np.float64]
TOO_FEW_RUNS = "residuals keep their sign along {x} more than chance allows"


@dataclass(frozen=True, kw_only=True)
class LackOfFit:
    """F test of a law's lack of fit against pure error; nan where it cannot be made.

    `statistic` is F with `freedom` epsilon (m - p, n - m) degrees, for n residuals at m distinct
    points and p parameters. `epsilon` is 1 where residuals are independent, and less where runs
    are measured at several horizons, whose errors go together.
    """

    statistic: float
    freedom: tuple[float, float]
    p: float
    epsilon: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Runs:
    """Wald and Wolfowitz's test: `runs` of equal sign among `above` and `below` residuals.

    `p` is the exact chance of so few runs if signs were in random order: nan for one sign only,
    and, as are `runs` 0, where no order can be random, for one run is measured all along.
    """

    runs: int
    above: int
    below: int
    p: float


@dataclass(frozen=True, kw_only=True)
class ResidualTests:
    """Both tests of one fit; `p` below 1 - confidence rejects."""

    law: str
    along: str
    lack_of_fit: LackOfFit
    runs: Runs
    confidence: float

    @property
    def misfit(self) -> bool:
        """Whether the law misses the points by more than seeds explain."""
        return self.lack_of_fit.p < 1 - self.confidence

    @property
    def pattern(self) -> bool:
        """Whether residuals keep their sign more than chance allows."""
        return self.runs.p < 1 - self.confidence

    @property
    def verdict(self) -> str:
        """In a word or two: what rejects, or that nothing does, or that nothing could."""
        found = [name for name in ("misfit", "pattern") if getattr(self, name)]
        tested = not (math.isnan(self.lack_of_fit.p) and math.isnan(self.runs.p))
        return " and ".join(found) or ("passes" if tested else "untested")

    def sentence(self) -> str:
        """What was found, in words."""
        found = []
        lack, runs = self.lack_of_fit, self.runs
        if math.isnan(lack.p):
            found.append("no seeds repeat at enough points, so lack of fit cannot be tested")
        else:
            said = "misses the points by more than" if self.misfit else "is within what"
            found.append(f"it {said} seeds explain (F = {lack.statistic:.2g}, p = {lack.p:.2g})")
        if not runs.runs:
            found.append(
                f"a pattern along {self.along} cannot be tested, for the errors of one run go "
                "together"
            )
        elif math.isnan(runs.p):
            found.append("all residuals have one sign")
        elif self.pattern:
            found.append(f"{TOO_FEW_RUNS.format(x=self.along)} (p = {runs.p:.2g})")
        else:
            found.append(f"no pattern of residuals along {self.along} (p = {runs.p:.2g})")
        return f"{find(self.law).title}: {'; '.join(found)}."


def residual_tests(points: pd.DataFrame, fit: Fit) -> ResidualTests:
    """Test the residuals of a fit to `points`, of the value or its logarithm as it was fitted.

    Points are told apart by the law's variables. The F test is exact for least squares and close
    to it for Huber's loss with the default delta; where runs are measured at several points, its
    degrees of freedom are Box's. The runs are of mean residuals at each value of the law's first
    variable, in its order, where no run has several of them.
    """
    variables = {name: points[column].to_numpy(float) for name, column in fit.columns.items()}
    value, law = points["value"].to_numpy(float), fit.predict(**variables)
    residuals = value - law if fit.residuals == "linear" else np.log(value / law)
    stacked = np.stack(list(variables.values()))
    _, group = np.unique(stacked, axis=1, return_inverse=True)
    free = len(find(fit.law).free(fit.known))
    return ResidualTests(
        law=fit.law,
        along=next(iter(fit.columns.values())),
        lack_of_fit=lack_of_fit(residuals, group.ravel(), free, sphericity(points, residuals)),
        runs=_runs_along(points["run"], residuals, stacked[0]),
        confidence=fit.confidence,
    )


def _runs_along(run: pd.Series, residuals: Array, x: Array) -> Runs:
    if pd.DataFrame({"run": run.to_numpy(), "x": x}).drop_duplicates()["run"].duplicated().any():
        return Runs(runs=0, above=0, below=0, p=math.nan)
    _, place = np.unique(x, return_inverse=True)
    return runs_test(np.bincount(place, residuals) / np.bincount(place))


def sphericity(points: pd.DataFrame, residuals: Array) -> float:
    """Box's epsilon of the runs' residuals [n] over their horizons: 1 / horizons to 1.

    1 for one horizon a run. Where runs of a rung differ in horizons it is the least that it can be,
    by which the test rejects too seldom rather than too often (Geisser & Greenhouse 1958, Ann.
    Math. Stat. 29, 885).
    """
    run, _ = pd.factorize(points["run"])
    step, _ = pd.factorize(points["steps"])
    horizons = int(np.bincount(run).max())
    if horizons == 1:
        return 1.0
    table = np.full((run.max() + 1, step.max() + 1), np.nan)
    table[run, step] = residuals
    if np.isnan(table).any() or horizons > table.shape[1]:
        return 1 / horizons
    rung, _ = pd.factorize(points["rung"].to_numpy()[np.unique(run, return_index=True)[1]])
    of_rung = rung == np.arange(rung.max() + 1)[:, None]
    within = table - (of_rung @ table / of_rung.sum(1, keepdims=True))[rung]
    covariance = within.T @ within
    trace = float(np.trace(covariance))
    return trace**2 / (horizons * float((covariance**2).sum())) if trace else 1 / horizons


def lack_of_fit(
    residuals: Array, group: NDArray[np.intp], parameters: int, epsilon: float = 1.0
) -> LackOfFit:
    """Test residuals [n] of points [n] numbered from 0 (Draper & Smith 1998, section 2.1).

    `epsilon` shrinks the degrees of freedom of correlated ones (Box 1954, Ann. Math.
    Stat. 25, 484).
    """
    count = np.bincount(group)
    mean = np.bincount(group, residuals) / count
    n, m = len(residuals), len(count)
    whole = (m - parameters, n - m)
    freedom = (epsilon * whole[0], epsilon * whole[1])
    pure = float(((residuals - mean[group]) ** 2).sum())
    if min(whole) < 1 or pure == 0:
        return LackOfFit(statistic=math.nan, freedom=freedom, p=math.nan, epsilon=epsilon)
    from scipy.special import fdtrc  # here, for start-up time

    f = float((count * mean**2).sum()) / whole[0] / (pure / whole[1])
    return LackOfFit(statistic=f, freedom=freedom, p=float(fdtrc(*freedom, f)), epsilon=epsilon)


def runs_test(residuals: Array) -> Runs:
    """Too few runs of sign among residuals [n] in order; zeros are left out."""
    up = residuals[residuals != 0] > 0
    above, below = int(up.sum()), int((~up).sum())
    runs = int(1 + (up[1:] != up[:-1]).sum()) if up.size else 0
    p = math.nan
    if above and below:
        p = min(float(chance_of_runs(np.arange(2, runs + 1), above, below).sum()), 1.0)
    return Runs(runs=runs, above=above, below=below, p=p)


def chance_of_runs(runs: ArrayLike, above: int, below: int) -> Array:
    """Of exactly so many runs [...] in random order (Wald & Wolfowitz 1940, AMS 11, 147)."""
    from scipy.special import gammaln

    def ways(n: int, k: Array) -> Array:
        """Logarithms of binomial coefficients; minus infinity where k > n."""
        return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)

    k, odd = np.divmod(np.asarray(runs), 2)
    one = ways(above - 1, k - 1 + odd) + ways(below - 1, k - 1)
    other = ways(above - 1, k - 1) + ways(below - 1, k - 1 + odd)
    every = ways(above + below, np.asarray(above))
    return np.asarray(np.exp(one - every) + np.exp(other - every), float)
