"""A fit: a law's estimated parameters with intervals, diagnostics and inputs."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np

from analysis.laws import evaluate, find


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A law fitted to rows of one metric; plain numbers and strings, so JSON keeps it whole.

    `objective` is the sum of the losses of residuals; `gradient_norm` is that of the objective
    scaled to order one, in normalised variables, and `condition` is of its curvature there.
    `intervals` come from what `intervals_by` says; `standard_errors` are by linearisation;
    `known` are parameters that were not fitted; `not_identified` gives for each one that the data
    cannot pin the reason. Residuals are of the value or its logarithm, as `residuals` says, and
    rows count alike or by their errors, as `weighting` says.
    """

    law: str
    columns: dict[str, str]
    parameters: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    standard_errors: dict[str, float]
    known: tuple[str, ...]
    derived: dict[str, float]
    not_identified: dict[str, str]
    confidence: float
    residuals: str
    objective: float
    gradient_norm: float
    starts: int
    share_at_best: float
    bounds_hit: tuple[str, ...]
    condition: float
    residual_rms: float
    points: int
    runs: int
    rungs: tuple[str, ...]
    ranges: dict[str, tuple[float, float]]
    huber_delta: float
    bootstrap: str
    replicates: int
    notes: tuple[str, ...] = ()
    intervals_by: str = "bootstrap"
    weighting: str = "equal"

    def predict(self, **variables: Any) -> Any:
        """The law's value at the given variables (x, or N and S), numbers or arrays."""
        value = evaluate(find(self.law), self.parameters, variables)
        return float(value) if np.ndim(value) == 0 else value

    def to_json(self) -> str:
        """One JSON object; `from_json` gives the same Fit back."""
        return json.dumps(asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The Fit that `to_json` wrote."""
        return cls.from_dict(json.loads(text))

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """The Fit of a parsed JSON object; lists become tuples again."""
        fit = cls(**fields)
        pairs = {
            name: {key: tuple(pair) for key, pair in getattr(fit, name).items()}
            for name in ("intervals", "ranges")
        }
        lists = {
            name: tuple(getattr(fit, name)) for name in ("known", "bounds_hit", "rungs", "notes")
        }
        return replace(fit, **pairs, **lists)
