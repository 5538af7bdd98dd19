"""What to fit, to which rows: the `fit` section of a manifest. Standard library only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class FitSettings:
    """Choices that decide a fit; the defaults are those of `scaling fit`.

    `laws` are names of `analysis.laws`, or FILE.py:NAME; those in one variable are fitted in size
    at the last horizon. `weights=None` takes the first EMA in the table, else the raw weights.
    `size` is the column used as N. `hold_out` counts the largest rungs kept from the fit;
    `first_step` drops the horizons before it. `rates_from` names a sweep of learning rates, a
    directory or a table, by which the rates of this one are judged. `huber_delta` is the residual
    at which the objective turns from square to linear; None sets it from the spread of the
    residuals.

    `loss` is "huber" or "squares"; `residuals` are of the "log" value or "linear", None as suits
    the law. Values above the law count `asymmetry` times: less than one for an envelope of runs
    that may be tuned badly. `weighting` is "equal" or by "standard_error", None as suits the
    law: laws of rates weigh rows by their errors, where all have one. `known` parameters are
    not fitted, such as a floor that was measured: name -> value, or (value, its standard error).
    `floor` "control" takes for E what real images in the samples' place reach, and its error.
    `inference` "best" fits values at each run's best setting of inference, where samples have
    them, and "fixed" at the one of the manifest.

    `bootstrap` counts the replicates; `resampling` says how they are drawn. `intervals` of
    parameters are theirs, or by "profile" likelihood or the "delta" method, which need none and
    take known parameters to be exact; a prediction's are the bootstrap's whatever is said.
    """

    metric: str = "importance_weighted_loss"
    laws: Sequence[str] = ("power", "floor", "joint")
    weights: str | None = None
    split: str = "held_out"
    size: str = "parameters_non_embedding"
    hold_out: int = 1
    first_step: int = 0
    rates_from: str | None = None
    huber_delta: float | None = None
    loss: Literal["huber", "squares"] = "huber"
    residuals: Literal["log", "linear"] | None = None
    asymmetry: float = 1.0
    weighting: Literal["equal", "standard_error"] | None = None
    known: Mapping[str, float | Sequence[float]] = field(default_factory=dict)
    floor: Literal["fitted", "control"] = "fitted"
    inference: Literal["fixed", "best"] = "fixed"
    bootstrap: int = 1000
    resampling: Literal["auto", "cases", "residuals", "wild"] = "auto"
    intervals: Literal["bootstrap", "profile", "delta"] = "bootstrap"
    confidence: float = 0.95
    seed: int = 0

    def __post_init__(self):
        limits = {
            "hold_out": (self.hold_out >= 0, "at least 0"),
            "first_step": (self.first_step >= 0, "at least 0"),
            "huber_delta": (self.huber_delta is None or self.huber_delta > 0, "positive"),
            "loss": (self.loss in ("huber", "squares"), "huber or squares"),
            "residuals": (self.residuals in (None, "log", "linear"), "log or linear"),
            "asymmetry": (self.asymmetry > 0, "positive"),
            "weighting": (
                self.weighting in (None, "equal", "standard_error"),
                "equal or standard_error",
            ),
            "floor": (self.floor in ("fitted", "control"), "fitted or control"),
            "inference": (self.inference in ("fixed", "best"), "fixed or best"),
            "resampling": (
                self.resampling in ("auto", "cases", "residuals", "wild"),
                "auto, cases, residuals or wild",
            ),
            "intervals": (
                self.intervals in ("bootstrap", "profile", "delta"),
                "bootstrap, profile or delta",
            ),
            "bootstrap": (self.bootstrap == 0 or self.bootstrap >= 100, "0 or at least 100"),
            "confidence": (0 < self.confidence < 1, "between 0 and 1"),
        }
        for name, (holds, must) in limits.items():
            if not holds:
                raise ValueError(f"fit.{name} must be {must}, not {getattr(self, name)!r}")
        for name, (_, error) in self.known_values.items():
            if error < 0:
                raise ValueError(f"fit.known.{name}: a standard error is at least 0, not {error}")
        uncertain = [name for name, (_, error) in self.known_values.items() if error]
        if uncertain and self.intervals != "bootstrap":
            raise ValueError(
                f"fit.intervals must be bootstrap where a known parameter ({uncertain[0]}) has a "
                f"standard error; {self.intervals} takes it to be exact"
            )

    @property
    def known_values(self) -> dict[str, tuple[float, float]]:
        """Known parameters, each with its standard error."""
        return {
            name: (float(value), 0.0) if isinstance(value, int | float) else (value[0], value[1])
            for name, value in self.known.items()
        }
