"""Chinchilla's objective minimised by scipy's BFGS: the rival of benchmarks.fits."""

from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize

Array = NDArray[np.float64]
DELTA = 1e-3
EXPONENTS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)


def objective(theta: Array, logs: Array, weights: Array) -> tuple[float, Array]:
    """Huber's loss of log residuals over delta^2, and its gradient in (e, a, b, alpha, beta).

    E, A and B are exp(e), exp(a) and exp(b); `logs` [3, n] are of N, D and the loss (Hoffmann et
    al. 2022, arXiv 2203.15556, eq. 3).
    """
    (n, d, y), (e, a, b, alpha, beta) = logs, theta
    terms = np.stack([np.full_like(n, e), a - alpha * n, b - beta * d])
    top = terms.max(axis=0)
    shares = np.exp(terms - top)
    whole = shares.sum(axis=0)
    residual = (top + np.log(whole) - y) / DELTA
    size = np.abs(residual)
    value = np.where(size < 1, size**2 / 2, size - 0.5)
    slope = weights * np.clip(residual, -1, 1) / DELTA * shares / whole
    own = slope.sum(axis=1)
    gradient = np.array([*own, -slope[1] @ n, -slope[2] @ d])
    return float(weights @ value), gradient


def minimised(theta: Array, logs: Array, weights: Array) -> tuple[float, Array]:
    """The lowest value that BFGS reaches from theta, and where."""
    options = {"args": (logs, weights), "jac": True, "method": "BFGS", "options": {"gtol": 1e-6}}
    found = minimize(objective, theta, **options)
    return float(found.fun), found.x


class Plain:
    """The same questions answered by scipy's BFGS, one start or replicate after the other."""

    def __init__(self, frame: pd.DataFrame):
        logs = np.log(frame[["N", "D", "loss"]].to_numpy(float).T)
        self.logs = logs - logs.mean(axis=1, keepdims=True)

    def fitted(self) -> tuple[float, Array]:
        """From all starts: the objective, as the field prints it, and the optimum."""
        weights, third = np.ones(self.logs.shape[1]), np.log(1 / 3)
        starts = [np.array([third] * 3 + [*pair]) for pair in product(EXPONENTS, EXPONENTS)]
        every = [minimised(start, self.logs, weights) for start in starts]
        value, theta = min(every, key=lambda item: item[0])
        return value * DELTA**2, theta

    def alpha(self, draws: int, seed: int) -> tuple[float, float]:
        """The interval of alpha by resampling runs and starting at the best fit of all."""
        theta = self.fitted()[1]
        rng, count = np.random.default_rng(seed), self.logs.shape[1]
        weights = rng.multinomial(count, np.full(count, 1 / count), draws).astype(float)
        found = [minimised(theta, self.logs, w)[1][3] for w in weights]
        low, high = np.quantile(found, [0.025, 0.975])
        return float(low), float(high)
