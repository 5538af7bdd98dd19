"""Histories: a row for every logged step, most of which say nothing of the value to fit."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from analysis.table.left_out import rung_of
from analysis.table.model import Exclusion
from analysis.table.roles import KINDS

MOST = 24
"""Horizons kept of a run that has more."""


def of_history(
    frame: pd.DataFrame, mapping: Mapping[str, str], notes: list[str]
) -> tuple[pd.DataFrame, tuple[Exclusion, ...]]:
    """The rows that hold a value, each step of a run once; and the runs that have none."""
    held = frame["value"].notna()
    silent = frame[~frame["run"].isin(frame["run"][held])]
    excluded = [
        Exclusion(run=str(run), rung=rung_of(rows), reason=f"it logs no '{mapping['value']}'")
        for run, rows in silent.groupby("run")
    ]
    rows = frame[held]
    if "steps" in rows:
        later = rows[~(rows["steps"] <= 0)]
        key = [name for name in ("run", "steps", *KINDS) if name in later]
        once = later[~later.duplicated(key, keep="last")]
        if len(later) < len(rows):
            notes.append(f"{len(rows) - len(later):,} values logged at step 0 are passed over")
        if len(once) < len(later):
            notes.append(
                f"{len(later) - len(once):,} steps are logged again in a run: the last time counts"
            )
        rows = once
    return rows, tuple(excluded)


def thin(frame: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Rows at `MOST` steps, evenly spaced in their logarithm; shared ones if runs share any.

    Neighbouring steps of a run tell the same story, and a fit to all of them takes long.
    """
    if "steps" not in frame:
        return frame
    longest = int(frame.groupby("run")["steps"].nunique().max())
    if longest <= MOST:
        return frame
    runs_at = frame.groupby("steps")["run"].nunique()
    shared = runs_at[runs_at >= max(2, 0.5 * frame["run"].nunique())].index
    if len(shared) > 1:
        kept = frame["steps"].isin(_spaced(shared.to_numpy(float)))
        kept |= ~frame["run"].isin(frame["run"][kept])  # runs that log none of those steps
    else:
        chosen = {
            run: _spaced(steps.to_numpy(float)) for run, steps in frame.groupby("run")["steps"]
        }
        pairs = zip(frame["run"], frame["steps"], strict=True)
        kept = pd.Series([step in chosen[run] for run, step in pairs], index=frame.index)
    notes.append(
        f"runs have up to {longest:,} steps: about {MOST} of each are fitted, evenly spaced in "
        "their logarithm, each by the value logged there"
    )
    return frame[kept]


def _spaced(steps: np.ndarray) -> set[float]:
    """At most `MOST` of the steps, last and first among them."""
    ordered = np.unique(steps[steps > 0])
    if len(ordered) <= MOST:
        return set(ordered)
    goals = np.linspace(np.log(ordered[0]), np.log(ordered[-1]), MOST)
    return {float(ordered[np.abs(np.log(ordered) - goal).argmin()]) for goal in goals}
