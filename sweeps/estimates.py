"""How long training takes on a worker of one core, before anything has been measured."""

import heapq
import math
from collections.abc import Iterable, Mapping
from typing import Any

CORE_RATES = ((1e4, 12e9), (3e4, 20e9), (1e5, 28e9), (4e5, 35e9), (3e6, 40e9))
"""FLOP/s of one CPU core by parameters, measured on one machine: small operations, not matrix
products, take the time below a million. A guess for any other machine."""

START_SECONDS = 20.0
"""To load, trace and compile a cohort's programs on one core, with an empty cache."""


def core_rate(parameters: float) -> float:
    """CORE_RATES, log-linear in between."""
    (low, rate), *rest = CORE_RATES
    for high, next_rate in rest:
        if parameters <= high:
            share = max(0.0, math.log(parameters / low) / math.log(high / low))
            return rate * (next_rate / rate) ** share
        low, rate = high, next_rate
    return rate


def run_seconds(record: Mapping[str, Any], rate: float | None = None) -> float:
    """Time of one run at `rate` FLOP/s, or at its size's CORE_RATES.

    Of training and of drawing the samples that distances are measured on, not of their features.
    """
    flops = record["flops"] + record.get("sampling_flops", 0)
    return flops / (rate or core_rate(record["parameters"]))


def makespan(seconds: Iterable[float], workers: int) -> float:
    """When the last of `workers` ends, each taking the next task as it becomes free."""
    free = [0.0] * workers
    for task in seconds:
        heapq.heapreplace(free, free[0] + task)
    return max(free)
