"""What a reader should know of a fit before trusting it."""

from collections.abc import Collection, Iterable, Mapping

import numpy as np
import pandas as pd

from analysis.estimation.estimate import Estimate
from analysis.laws import LAWS, Law
from analysis.settings import FitSettings
from analysis.table import nearest
from analysis.uncertainty.bootstrap import Replicates
from analysis.uncertainty.noise import seed_deviation
from analysis.uncertainty.steadiness import Moved

ROUGH = 3.0
"""Residuals of more than this many seed deviations are the law's own failure, not noise."""
UNSURE = 100.0
"""A coefficient whose interval spans more than this factor is not identified; a shape, 5."""


def known_of(law: Law, settings: FitSettings) -> dict[str, float]:
    """Those of `settings.known` that the law has."""
    names = set(law.parameters) - set(law.fixed or ())
    return {name: known[0] for name, known in settings.known_values.items() if name in names}


def require_known(laws: Iterable[Law], settings: FitSettings) -> None:
    """ValueError for a known parameter that neither these laws nor any other has."""
    every = {name for law in (*laws, *LAWS.values()) for name in law.parameters}
    for name in settings.known:
        if name not in every:
            raise ValueError(f"fit.known: no law has a parameter '{name}'{nearest(name, every)}")


def not_identified(
    law: Law,
    best: Estimate,
    intervals: Mapping[str, tuple[float, float]],
    lowest: float,
    reached: Collection[str] = (),
    moved: Collection[Moved] = (),
) -> dict[str, str]:
    """Parameters that the data cannot pin, each with the reason.

    `lowest` is the least value; of those `reached` the interval ends at a bound of the search;
    those `moved` depend on the part of the range they are read off.
    """
    reasons = {}
    free = set(best.free)
    unsteady = {
        item.name: f"without the {item.part} third of the range it is {item.value:.3g}, "
        f"{abs(item.deviations):.1f} deviations away: the law bends otherwise than the points"
        for item in moved
    }
    constants = {term.coefficient for term in law.terms if term.log is None}
    shapes = {shape.name: shape for shape in law.shapes}
    for name in law.parameters:
        if name not in free:
            continue
        value = best.parameters[name]
        low, high = intervals.get(name, (value, value))
        if name in constants:
            if low <= 1e-3 * lowest:
                reasons[name] = "its interval reaches zero"
            elif name in unsteady:
                reasons[name] = unsteady[name]
        elif name in best.bounds_hit or name in reached:
            reasons[name] = "its interval reaches the bounds of the search"
        elif name not in shapes or shapes[name].positive:
            if high > UNSURE * max(low, 1e-300):
                reasons[name] = f"its interval spans more than a factor of {UNSURE:g}"
        elif low > 0 and high > 5 * low:
            reasons[name] = "its interval spans more than a factor of 5"
    return reasons


def notes(best: Estimate, points: pd.DataFrame, replicates: Replicates | None) -> tuple[str, ...]:
    """Sentences on noise, starts and convergence."""
    seed_noise = seed_deviation(points)
    found = []
    rms = float(np.sqrt(np.mean(best.residuals**2)))
    if 0 < ROUGH * seed_noise < rms:
        found.append(f"residuals are {rms / seed_noise:.0f} times the seed noise")
    if best.share_at_best < 0.95:
        found.append(f"only {best.share_at_best:.0%} of the starts reached the best optimum")
    if best.gradient_norm > 1e-4:
        found.append(f"the gradient at the optimum is {best.gradient_norm:.1e}, not zero")
    if replicates and replicates.stuck > 0.01:
        found.append(f"{replicates.stuck:.0%} of the bootstrap refits did not converge")
    return tuple(found)
