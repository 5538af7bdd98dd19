"""The largest rungs kept from a fit, predicted, and set beside what was measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd

from analysis.along import IN_SEVERAL, SIZE
from analysis.diagnosis import ROUGH
from analysis.fitted import Fit
from analysis.fitting import Fitted, Task, last_horizon, points_of, task
from analysis.laws import find
from analysis.selection import Selection
from analysis.settings import FitSettings
from analysis.trust.residuals import ResidualTests
from analysis.uncertainty.noise import seed_deviation
from analysis.uncertainty.tails import tails

Verdict = Literal["holds", "rough", "weak", "untested", "fails"]
VERDICTS: dict[Verdict, str] = {
    "holds": "the measurement lies inside an interval narrow enough to have missed it",
    "rough": "the measurement lies inside the interval, but the law misses the points it was "
    "fitted to by several times the seed noise, and that is what makes the interval wide",
    "weak": "the measurement lies inside the interval, but the interval is so wide that "
    "a rung no better than the largest fitted one would lie in it too",
    "untested": "no bootstrap was drawn, so there is no interval that says how far off is too far",
    "fails": "the measurement lies outside the interval",
}


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """One held-out rung at the end of its runs; errors are predicted minus measured.

    `measured` is the mean over `seeds` runs and `interval` is for such a mean, so it holds the
    fit's uncertainty, its lack of fit and the seed noise. `seed_deviation` is the standard
    deviation over seeds pooled over all rungs, in units of the value (nan without repeats).
    """

    rung: str
    size: float
    steps: float
    seeds: int
    measured: float
    predicted: float
    interval: tuple[float, float]
    seed_deviation: float
    naive: float
    verdict: Verdict

    @property
    def error_percent(self) -> float:
        """100 (predicted - measured) / measured."""
        return 100 * (self.predicted / self.measured - 1)

    @property
    def error_in_seed_deviations(self) -> float:
        """(predicted - measured) / seed deviation."""
        return (self.predicted - self.measured) / self.seed_deviation

    @property
    def inside(self) -> bool:
        """Whether the interval contains the measurement."""
        return self.interval[0] <= self.measured <= self.interval[1]


@dataclass(frozen=True, kw_only=True)
class HoldOut:
    """A law fitted without the largest rungs: the fit and its predictions, or why there is none."""

    law: str
    fit: Fit | None
    predictions: tuple[Prediction, ...]
    unsupported: str | None = None
    residual_tests: ResidualTests | None = None


def kept_task(selection: Selection, law: str, settings: FitSettings, along: str = SIZE) -> Task:
    """The fit of `law` to all but the `settings.hold_out` largest rungs.

    A law in one variable is fitted `along` it: in size at the last horizon. Raises Unsupported.
    """
    asked = find(law)
    along = IN_SEVERAL if len(asked.variables) > 1 else along
    kept, _ = split(points_of(selection, asked, along), selection.rungs, settings.hold_out)
    return task(kept, asked, along, settings.known)


def hold_out(selection: Selection, kept: Task, fitted: Fitted, settings: FitSettings) -> HoldOut:
    """Predict each rung that was kept from a fit at the last horizon."""
    last = last_horizon(selection) if selection.horizons else selection.points
    _, held = split(last, selection.rungs, settings.hold_out)
    naive = typical(last[last["rung"] == kept.points.sort_values("size").rung.iloc[-1]])
    predict = partial(
        predict_rung,
        fitted=fitted,
        seed_noise=seed_deviation(last),
        naive=naive,
        rough=fitted.fit.residual_rms > ROUGH * seed_deviation(kept.points),
        columns=kept.columns,
        confidence=settings.confidence,
        rng=np.random.default_rng([settings.seed, 1]),
    )
    predictions = tuple(predict(rows) for _, rows in held.groupby(["size", "steps"]))
    return HoldOut(law=kept.law.name, fit=fitted.fit, predictions=predictions)


def split(points: pd.DataFrame, rungs: list[str], count: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The points of all but the `count` largest rungs, and theirs."""
    largest = rungs[max(len(rungs) - count, 0) :] if count else []
    held = points["rung"].isin(largest)
    return points[~held], points[held]


def predict_rung(
    rows: pd.DataFrame,
    *,
    fitted: Fitted,
    seed_noise: float,
    naive: float,
    rough: bool,
    columns: Mapping[str, str],
    confidence: float,
    rng: np.random.Generator,
) -> Prediction:
    """A rung's prediction, from its rows at one horizon; `naive` is the largest fitted rung's."""
    values = {name: np.array([rows[column].median()], float) for name, column in columns.items()}
    predicted = float(fitted.fit.predict(**values)[0])
    seeds = rows["run"].nunique()
    interval = (predicted, predicted)
    if fitted.replicates is not None:
        drawn = fitted.replicates.new_measurements(values, seeds, rng)
        low, high = np.quantile(drawn, tails(confidence), method="weibull")
        interval = (float(low), float(high))
    measured = typical(rows)
    return Prediction(
        rung=str(rows["rung"].iloc[0]),
        size=float(rows["size"].iloc[0]),
        steps=float(rows["steps"].iloc[0]),
        seeds=seeds,
        measured=measured,
        predicted=predicted,
        interval=interval,
        seed_deviation=seed_noise * measured,
        naive=naive,
        verdict=_verdict(interval, measured, naive, rough=rough),
    )


def _verdict(
    interval: tuple[float, float], measured: float, naive: float, *, rough: bool
) -> Verdict:
    low, high = interval
    if low == high:
        return "untested"
    if not low <= measured <= high:
        return "fails"
    if low <= naive <= high:
        return "weak"
    return "rough" if rough else "holds"


def typical(rows: pd.DataFrame) -> float:
    """The mean over runs; geometric, as residuals are logarithmic, unless some values are 0."""
    values = rows["value"].to_numpy(float)
    return float(np.exp(np.log(values).mean()) if (values > 0).all() else values.mean())
