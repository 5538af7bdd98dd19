"""All scale questions that one table of runs can answer, and why it cannot answer the others."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from analysis.fitting import Fitted, fit_tasks, task
from analysis.laws import find
from analysis.refusals import Refusals
from analysis.scale.allocation import Allocation, approach3
from analysis.scale.cost import MeasuredK, exact, measured_k, per_parameter
from analysis.scale.envelope import Envelope, envelope
from analysis.scale.frontier import Frontier, frontier
from analysis.scale.isoflop import Isoflop, isoflop
from analysis.scale.lifetimes import lifetimes
from analysis.scale.sampling import Lifetime
from analysis.settings import FitSettings

BEYOND = (1.0, 10.0, 100.0)
"""Budgets of a frontier beyond the largest measured, as multiples of it."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What was found; `refused` says of each question that has no answer why."""

    points: pd.DataFrame = field(repr=False, metadata={"json": False})
    k: MeasuredK | None
    isoflop: Isoflop | None
    allocation: Allocation | None
    frontiers: tuple[Frontier, ...]
    envelope: Envelope | None
    refused: Mapping[str, str]
    lifetimes: tuple[Lifetime, ...] = ()

    def sentences(self) -> tuple[str, ...]:
        """Every finding in words, and every question without one."""
        most = self.lifetimes[-1:]
        parts = (self.k, self.isoflop, self.allocation, *self.frontiers, self.envelope, *most)
        found = [item.sentence() for item in parts if item is not None]
        return (*found, *(f"No {name}: {reason}." for name, reason in self.refused.items()))


def scale_of(points: pd.DataFrame, settings: FitSettings, *, budgets: int = 12) -> Scale:
    """Answer from points with run, rung, seed, size, steps, value and flops: `Selection.points`.

    The allocation and the frontiers rest on the joint law; frontiers count FLOPs by k per
    parameter and step, k measured, and exactly by each rung's own.
    """
    refused = Refusals()
    attempt = refused.attempt
    empty = Scale(
        points=points, k=None, isoflop=None, allocation=None, frontiers=(), envelope=None,
        refused={"scale question answered": "the table has no column flops"},
    )  # fmt: skip
    if "flops" not in points:
        return empty
    known = np.isfinite(points["flops"]) & (points["flops"] > 0) & (points["steps"] > 0)
    if not known.all():
        refused[f"compute of {int((~known).sum())} of {len(points)} rows"] = (
            "their flops or steps are empty or not positive"
        )
    if not known.any():
        return replace(empty, refused=refused)
    points = points[known]
    size, steps, flops, value = (
        points[name].to_numpy(float) for name in ("size", "steps", "flops", "value")
    )
    k = attempt("compute per parameter", lambda: measured_k(size, steps, flops))
    ends = points.loc[points.groupby("run")["flops"].idxmax()]
    profiles = attempt(
        "isoFLOP profile",
        lambda: isoflop(
            ends["size"], ends["flops"], ends["value"],
            k=k.value if k else 6.0, count=settings.bootstrap, confidence=settings.confidence,
            seed=settings.seed,
        ),
    )  # fmt: skip
    joint: Fitted | None = attempt(
        "joint law",
        lambda: fit_tasks([task(points, find("joint"), "both", settings.known)], settings)[0],
    )
    allocation, frontiers, paid = None, [], None
    if joint and k:
        largest = float(flops.max())
        grid = np.geomspace(flops.min(), largest, budgets)
        asked = np.unique(np.r_[grid, np.multiply(BEYOND, largest)])
        found, drawn = joint.fit.parameters, joint.replicates
        allocation = approach3(found, drawn, k.value, settings.confidence, largest)
        counted = attempt("exact FLOPs", lambda: exact(size, steps, flops))
        costs = [per_parameter(k.value), counted]
        cost = counted or costs[0]
        paid = attempt("lifetime cost", lambda: lifetimes(points, joint, cost, settings.confidence))
        frontiers = [
            frontier(
                find("joint"), found, drawn, cost, asked,
                sizes=(size.min(), size.max()), measured=largest, confidence=settings.confidence,
            )
            for cost in costs if cost is not None
        ]  # fmt: skip
    curves = None
    if (points.groupby("run").size() > 1).any():
        curves = attempt("envelope", lambda: envelope(points["run"], size, flops, value))
    else:
        refused["envelope"] = "every run has one checkpoint, so there are no training curves"
    return Scale(
        points=points,
        k=k,
        isoflop=profiles,
        allocation=allocation,
        frontiers=tuple(frontiers),
        envelope=curves,
        refused=refused,
        lifetimes=paid or (),
    )
