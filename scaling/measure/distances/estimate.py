"""A value with its interval, and the percentile bootstrap over samples."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Shaped

TWO_SIDED_95 = 1.959963984540054
"""The 97.5 % quantile of the standard normal distribution."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number and the ends of its 95 % interval.

    Of two sets of samples `of_generated` is the part of the standard error that the generated ones
    bring, and that averages out over sets of them; None where it is not told apart.
    """

    value: float
    low: float
    high: float
    of_generated: float | None = None

    @classmethod
    def normal(
        cls, value: float, standard_error: float, *, of_generated: float | None = None
    ) -> "Estimate":
        """The interval of a normal estimator."""
        reach = TWO_SIDED_95 * standard_error
        return cls(value=value, low=value - reach, high=value + reach, of_generated=of_generated)

    @classmethod
    def alone(cls, value: float) -> "Estimate":
        """A number that has no interval, such as a test's."""
        return cls(value=value, low=np.nan, high=np.nan)

    @classmethod
    def unknown(cls) -> "Estimate":
        """What stands for a number that there is not."""
        return cls.alone(np.nan)


def standard_error(estimate: Estimate) -> float | None:
    """Of the wider side of a 95 % interval: no side of value ± 1.96 of them is too short.

    None of a number that has no interval.
    """
    reach = max(estimate.high - estimate.value, estimate.value - estimate.low)
    return None if np.isfinite(estimate.value) and np.isnan(reach) else float(reach) / TWO_SIDED_95


def bootstrap(
    statistic: Callable[..., float],
    *samples: Shaped[np.ndarray, "n ..."],
    draws: int = 200,
    seed: int = 0,
) -> Estimate:
    """Percentile interval (Efron 1979): each set's rows drawn again with replacement, by itself.

    Not for a statistic whose bias falls with the number of distinct rows (Frechet distance): a
    bootstrap sample holds 63 % of them and is biased once more.
    """
    rng = np.random.default_rng(seed)
    again = [
        statistic(*(rows[rng.integers(len(rows), size=len(rows))] for rows in samples))
        for _ in range(draws)
    ]
    low, high = np.quantile(again, [0.025, 0.975])
    return Estimate(value=float(statistic(*samples)), low=float(low), high=float(high))
