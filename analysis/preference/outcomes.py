"""Votes as arrays: half a point for a tie, nothing for a skip, and who is a cluster with whom."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.integer]
POINTS = {"first": 1.0, "tie": 0.5, "second": 0.0}
"""What the pair's first image gets; a skip is no vote."""
REAL = "real"


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """Points of the first image [n] with the cluster numbers [n] of prompt and rater."""

    points: Array
    prompt: Indices
    rater: Indices
    skipped: int

    @property
    def prompts(self) -> int:
        """How many different prompts were voted on."""
        return len(np.unique(self.prompt))

    @property
    def raters(self) -> int:
        """How many different raters voted."""
        return len(np.unique(self.rater))

    @property
    def independent(self) -> bool:
        """No two votes share a prompt, or a rater who is one of several."""
        return self.prompts == len(self.points) and self.raters in (1, len(self.points))


def outcomes(votes: pd.DataFrame) -> Outcomes:
    """Of votes that count: one row each, with `choice`, `prompt_id` and `rater`."""
    counted = votes[votes["choice"].isin(list(POINTS))]
    return Outcomes(
        points=np.array([POINTS[choice] for choice in counted["choice"]]),
        prompt=pd.factorize(counted["prompt_id"].astype(str))[0],
        rater=pd.factorize(counted["rater"].astype(str))[0],
        skipped=len(votes) - len(counted),
    )


def comparisons(votes: pd.DataFrame) -> pd.DataFrame:
    """Votes on pairs that are asked about for their own sake: neither checks nor controls."""
    return votes[votes["kind"].isin(["generated_real", "models"])]


def against_real(votes: pd.DataFrame) -> pd.DataFrame:
    """Votes on generated against real images, turned so that `first` is the generated one."""
    found = votes[votes["kind"] == "generated_real"]
    turned = found["first"] == REAL
    swap = {"first": "second", "second": "first"}
    return found.assign(
        first=found["first"].where(~turned, found["second"]),
        second=REAL,
        choice=found["choice"].where(~turned, found["choice"].replace(swap)),
    )
