"""Hold-outs beyond the largest rungs: by compute and by steps."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from analysis.along import IN_SEVERAL
from analysis.diagnosis import ROUGH
from analysis.fitting import (
    Fitted,
    Task,
    Unsupported,
    columns_of,
    fit_all,
    last_horizon,
    or_reason,
    task,
)
from analysis.hold_out import Prediction, predict_rung, typical
from analysis.laws import find
from analysis.selection import Selection
from analysis.settings import FitSettings
from analysis.trust.held import Beyond, held, refused
from analysis.uncertainty.noise import seed_deviation

COMPUTE = "compute"


def compute_of(points: pd.DataFrame) -> pd.Series:
    """Training FLOPs where the table has them, else 6 N D with D the images, or else the steps."""
    if "flops" in points:
        return points["flops"].astype(float)
    data = next(points[name] for name in ("data", "images", "steps") if name in points)
    return 6 * points["size"] * data.astype(float)


def beyond_compute(
    selection: Selection, law: str, settings: FitSettings, budget: float | None = None
) -> Beyond:
    """Fit the points of at most `budget` FLOPs (a quarter of the most) and predict all others."""
    asked = find(law)
    along = IN_SEVERAL if len(asked.variables) > 1 else "size"
    try:
        points = selection.points if along == IN_SEVERAL else last_horizon(selection)
    except Unsupported as reason:
        return refused("compute", law, "the smaller budgets", reason)
    points = points.assign(**{COMPUTE: compute_of(points)})
    limit = points[COMPUTE].max() / 4 if budget is None else budget
    kept, rest = points[points[COMPUTE] <= limit], points[points[COMPUTE] > limit]
    unit = "FLOPs" if "flops" in points else "6 N D"
    said = f"points of at most {limit:.3g} {unit}"
    item = or_reason(lambda: task(kept, asked, along, settings.known))
    (fitted,) = fit_all([item], settings)
    if not isinstance(item, Task) or fitted is None:
        return refused("compute", law, said, item)
    largest = kept[kept[COMPUTE] >= kept[COMPUTE].max() * (1 - 1e-9)]
    found = _predictions(rest, kept, fitted, settings, lambda _: typical(largest))
    return held("compute", law, said, fitted, found)


def beyond_steps(
    selection: Selection, law: str, settings: FitSettings, share: float = 0.5
) -> tuple[Beyond, ...]:
    """Fit the horizons up to `share` of the last and predict the later ones.

    A law in several variables is fitted to all rungs, one in one variable to each along steps.
    """
    asked, points = find(law), selection.points
    limit = share * points["steps"].max()
    joint = len(asked.variables) > 1
    along = IN_SEVERAL if joint else "steps"
    if joint and "steps" not in columns_of(asked, along).values():
        return (refused("steps", law, "early steps", Unsupported(f"{law} does not read steps")),)
    parts = [points] if joint else [points[points["rung"] == rung] for rung in selection.rungs]
    kept = [part[part["steps"] <= limit] for part in parts]
    posed = [or_reason(lambda rows=rows: task(rows, asked, along, settings.known)) for rows in kept]
    found = []
    for part, rows, item, fitted in zip(parts, kept, posed, fit_all(posed, settings), strict=True):
        said = f"steps up to {limit:g}" + ("" if joint else f" of {part['rung'].iloc[0]}")
        if not isinstance(item, Task) or fitted is None:
            found.append(refused("steps", law, said, item))
            continue
        ends = rows[rows["steps"] == rows.groupby("rung")["steps"].transform("max")]
        naive = {str(rung): typical(of) for rung, of in ends.groupby("rung")}
        rest = part[part["steps"] > limit]
        told = _predictions(rest, rows, fitted, settings, lambda rung, n=naive: n.get(rung, np.nan))
        found.append(held("steps", law, said, fitted, told))
    return tuple(found)


def _predictions(
    rest: pd.DataFrame,
    kept: pd.DataFrame,
    fitted: Fitted,
    settings: FitSettings,
    naive: Callable[[str], float],
) -> tuple[Prediction, ...]:
    """Of each rung at each horizon that was held out."""
    rough = fitted.fit.residual_rms > ROUGH * seed_deviation(kept)
    return tuple(
        predict_rung(
            rows,
            fitted=fitted,
            seed_noise=seed_deviation(pd.concat([kept, rest])),
            naive=naive(str(rows["rung"].iloc[0])),
            rough=bool(rough),
            columns=fitted.fit.columns,
            confidence=settings.confidence,
            rng=np.random.default_rng([settings.seed, 1]),
        )
        for _, rows in rest.groupby(["size", "steps"])
    )
