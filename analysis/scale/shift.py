"""Is one sweep's curve shifted against another's, or steeper? And what is that worth in compute?

A compute-equivalent gain is how much further the baseline has to go for the other's loss (Davidson
et al. 2023, arXiv 2312.07413). It is one number for all sizes only where both curves have one floor
and one exponent. A floor belongs to the data and the weighting, so one for both is the rule; where
the curves contradict it, each gets its own, and the gain is said for one size alone.
"""

from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis.fitting import Fitted, Task, Unsupported, fit_tasks
from analysis.laws import Law
from analysis.scale.band import Array, Band, band
from analysis.scale.pair import PAIR, PAIR_OF_FLOORS
from analysis.scale.shifted import Shift
from analysis.settings import FitSettings

LEAST = 4
QUESTIONS = 3
LARGEST = 1e300
"""Stands for infinity among replicates."""


def shift(
    baseline: pd.DataFrame,
    other: pd.DataFrame,
    *,
    x: str = "size",
    names: tuple[str, str] = ("baseline", "other"),
    floors: Literal["auto", "one", "each"] = "auto",
    settings: FitSettings | None = None,
) -> Shift:
    """Compare points of two sweeps, frames like `Selection.points` at one horizon, along x.

    Floor, slope and place are three questions, so intervals are at a third of the error asked for
    (Bonferroni's inequality). `floors`: "one" for both; one for "each"; or "auto", one unless those
    of a law with a floor and an exponent each are told apart (where a floor is known, that is the
    one). Unsupported with fewer than 4 values of x in either, without a bootstrap, or for a known
    floor and one for each.
    """
    settings = settings or FitSettings()
    if floors == "each" and "E" in settings.known:
        raise Unsupported("fit.known gives one floor E: ask for floors='one', or leave E out")
    _require(baseline, other, x, names, settings)
    points = _points(baseline, other, x)
    centre = float(np.exp(np.log(np.r_[baseline[x], other[x]].astype(float)).mean()))
    level = 1 - (1 - settings.confidence) / QUESTIONS
    z = np.log(np.sort(points["u"].unique()))  # baseline below, other above
    at = float(min(baseline[x].max(), other[x].max()))

    def fitted(law: Law, **fixed: float) -> Fitted:
        task = Task(points=points, law=law, along="both")
        return fit_tasks([task], replace(settings, known={**settings.known, **fixed}))[0]

    def of(found: Fitted, read) -> Band:
        assert found.replicates is not None
        p = {name: np.array([v]) for name, v in found.fit.parameters.items()}
        drawn = np.minimum(read(found.replicates.named), LARGEST)
        told = band(float(read(p)[0]), drawn, level)
        return replace(told, high=np.inf) if told.high > LARGEST / 2 else told

    apart = full = None
    if floors == "each" or (floors == "auto" and "E" not in settings.known):
        full = fitted(PAIR_OF_FLOORS)
        apart = of(full, lambda p: p["F"] - p["E"])
    own = apart is not None and (floors == "each" or not apart.low <= 0 <= apart.high)
    law = PAIR_OF_FLOORS if own else PAIR
    one, two = fitted(law, d=0.0), full if own and full else fitted(law)
    ends = ("E", "F") if own else ("E", "E")
    return Shift(
        baseline=names[0],
        other=names[1],
        variable=x,
        multiplier=of(one, lambda p: _multiplier(p, z)),
        at=at,
        multiplier_at=of(two, lambda p: _reaching(p, z, at / centre)),
        exponents=(
            of(two, lambda p: p["alpha"] + p["d"] * z[0]),
            of(two, lambda p: p["alpha"] + p["d"] * z[1]),
        ),
        steeper=of(two, lambda p: p["d"] * (z[1] - z[0])),
        floors=(of(two, lambda p: p[ends[0]]), of(two, lambda p: p[ends[1]])),
        own_floors=own,
        floor_apart=apart,
        objectives=(one.fit.objective, two.fit.objective),
        confidence=settings.confidence,
    )


def _require(
    baseline: pd.DataFrame,
    other: pd.DataFrame,
    x: str,
    names: tuple[str, str],
    settings: FitSettings,
) -> None:
    if not settings.bootstrap:
        raise Unsupported("a shift's verdict rests on intervals: set fit.bootstrap to 100 or more")
    for name, part in zip(names, (baseline, other), strict=True):
        if x not in part or part[x].nunique() < LEAST:
            have = part[x].nunique() if x in part else "no column of that name"
            raise Unsupported(
                f"{name}: comparing curves needs {LEAST} values of {x}; it has {have}"
            )
        wrong = int((~(part[x] > 0) | np.isinf(part[x])).sum())
        if wrong:
            raise Unsupported(f"{name}: {wrong} of {len(part)} rows have no positive {x}")


def _multiplier(p: dict[str, Array], z: Array) -> Array:
    """m of A (m x)^-alpha u_0^-mu = A x^-alpha u_1^-mu: the excess, with one exponent."""
    return np.asarray(np.exp(p["mu"] * (z[1] - z[0]) / p["alpha"]), float)


def _reaching(p: dict[str, Array], z: Array, x: ArrayLike) -> Array:
    """m of E + A (m x)^-alpha_0 u_0^-mu = F + A x^-alpha_1 u_1^-mu, alpha_i = alpha + d z_i."""
    alphas = [p["alpha"] + p["d"] * each for each in z]
    log_excess = -p["mu"] * z[1] - alphas[1] * np.log(x)  # in units of A
    gap = (p.get("F", p["E"]) - p["E"]) / p["A"]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        left = log_excess + np.log1p(np.maximum(gap * np.exp(-log_excess), -1))
        return np.asarray(np.exp((-p["mu"] * z[0] - left) / alphas[0]) / x, float)


def _points(baseline: pd.DataFrame, other: pd.DataFrame, x: str) -> pd.DataFrame:
    """Both with x over its geometric mean and u, whose logarithms sum to zero and differ by 1."""
    parts = []
    for label, part in (("a", baseline), ("b", other)):
        prefixed = {name: label + ":" + part[name].astype(str) for name in ("run", "rung")}
        parts.append(part.assign(**prefixed, x=part[x].astype(float)))
    share = len(other) / (len(baseline) + len(other))
    parts[0]["u"], parts[1]["u"] = np.exp(-share), np.exp(1 - share)
    points = pd.concat(parts, ignore_index=True)
    points["x"] /= np.exp(np.log(points["x"]).mean())
    return points
