"""What to fit, to which rows: the `fit` section of a manifest. Standard library only."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class FitSettings:
    """Choices that decide a fit; the defaults are those of `scaling fit`.

    `weights=None` takes the first EMA in the table, else the raw weights. `size` is the column
    used as N. `hold_out` counts the largest rungs kept from the fit; `first_step` drops the
    horizons before it. `rates_from` names a sweep of learning rates, a directory or a table, by
    which the rates of this one are judged. `huber_delta` is the residual of log loss at which the
    objective turns from square to linear; None sets it from the spread of the residuals.
    """

    metric: str = "importance_weighted_loss"
    weights: str | None = None
    split: str = "held_out"
    size: str = "parameters_non_embedding"
    hold_out: int = 1
    first_step: int = 0
    rates_from: str | None = None
    huber_delta: float | None = None
    bootstrap: int = 1000
    confidence: float = 0.95
    seed: int = 0

    def __post_init__(self):
        limits = {
            "hold_out": (self.hold_out >= 0, "at least 0"),
            "first_step": (self.first_step >= 0, "at least 0"),
            "huber_delta": (self.huber_delta is None or self.huber_delta > 0, "positive"),
            "bootstrap": (self.bootstrap == 0 or self.bootstrap >= 100, "0 or at least 100"),
            "confidence": (0 < self.confidence < 1, "between 0 and 1"),
        }
        for name, (holds, must) in limits.items():
            if not holds:
                raise ValueError(f"fit.{name} must be {must}, not {getattr(self, name)!r}")
