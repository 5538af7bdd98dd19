"""How the cheapest model shrinks with the number of its samples, asked of a sweep's own runs."""

import numpy as np
import pandas as pd

from analysis.fitting import Fitted
from analysis.scale.cost import Cost
from analysis.scale.sampling import Lifetime, forward_of, lifetime
from analysis.table import TableError

EVALUATIONS = 50.0
"""Of a network for one sample; guidance doubles them, so it halves the images."""

SHARES = np.geomspace(0.01, 1e4, 9)
"""Sampling as a multiple of the largest training, in FLOPs if that run's size were kept."""


def lifetimes(
    points: pd.DataFrame, joint: Fitted, cost: Cost, confidence: float
) -> tuple[Lifetime, ...]:
    """The cheapest model as good as the largest rung, for few images sampled to very many.

    `points` are `Selection.points` with a column images, those trained on until each row's steps.
    TableError where it lacks, Unsupported where the law's floor lies above the loss.
    """
    if "images" not in points:
        raise TableError("the table has no column images, those that a run was trained on")
    last = points.loc[points.groupby("run")["steps"].idxmax()]
    best = last[last["size"] == last["size"].max()]
    batch = float((best["images"] / best["steps"]).iloc[0])
    trained = float(best["images"].max())
    # A training step costs three evaluations of each of its images: see `forward_of`.
    sampled = SHARES * 3 * trained / EVALUATIONS
    return tuple(
        lifetime(
            joint.fit.parameters,
            joint.replicates,
            cost,
            forward_of(cost, batch),
            loss=float(f"{best['value'].mean():.4g}"),
            images=float(f"{images:.2g}"),
            evaluations=EVALUATIONS,
            confidence=confidence,
        )
        for images in sampled
    )
