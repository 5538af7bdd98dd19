"""The manifest's own sections: how to sweep, where to execute, what to fit."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, field_validator

from scaling.config import Section
from sweeps.engines.registry import BUILT_IN, check_name
from sweeps.engines.settings import CommandConfig, RayConfig, SlurmConfig
from sweeps.ladder import LadderConfig


def _count_or_auto(value: Any) -> Any:
    if value == "auto" or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        return value
    raise ValueError(f"must be a whole number of at least 1, or 'auto', not {value!r}")


CountOrAuto = Annotated[
    int | Literal["auto"],
    BeforeValidator(_count_or_auto),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"const": "auto"}]}),
]


def _with_error(value: Any) -> Any:
    """A number, or one with its standard error; anything else is refused in one sentence."""
    pair = value if isinstance(value, list) else [value, 0]
    numbers = all(isinstance(x, int | float) and not isinstance(x, bool) for x in pair)
    if not numbers or len(pair) != 2 or pair[1] < 0:
        raise ValueError(f"must be a number, or a list of it and its standard error, not {value!r}")
    return value


MaybeWithError = Annotated[
    float | Annotated[list[float], Field(min_length=2, max_length=2)], BeforeValidator(_with_error)
]
"""0.12, or [0.12, 0.002]."""

EngineName = Annotated[
    str,
    AfterValidator(check_name),
    WithJsonSchema({"anyOf": [{"enum": list(BUILT_IN)}, {"type": "string"}]}),
]


class SweepConfig(Section):
    """Which runs: all combinations of `grid` and rows of `zip`, less `exclude`, then `include`."""

    grid: dict[str, list[Any]] = Field(
        default={},
        description="values of each dotted path; all combinations, the last path fastest",
    )
    zip: dict[str, list[Any]] = Field(
        default={}, description="lists of equal length that advance together, as one more axis"
    )
    exclude: list[dict[str, Any]] = Field(
        default=[], description="combinations to drop: those that have all of an entry's values"
    )
    include: list[dict[str, Any]] = Field(
        default=[], description="further single runs, added after `exclude` and never dropped by it"
    )


class ProfileConfig(Section):
    """Which steps jax's profiler traces, once, into `trace/` of an attempt at a cohort's first run.

    Whole compiled calls: from the first that starts at `first` or later, until `steps` are done.
    """

    first: int = Field(ge=0, description="step; 0 would show the program's first call, too")
    steps: int = Field(ge=1, description="at least so many, if training lasts as long")


class EngineConfig(Section):
    """Where and how the runs execute; no result depends on it."""

    name: EngineName = Field(
        default="local", description="one of these, or one that an installed package brings"
    )
    workers: CountOrAuto = Field(
        default="auto",
        description="processes; auto: one per GPU or else per core of this machine, if local",
    )
    cohort: CountOrAuto = Field(default="auto", description="most runs trained as one program")
    steps_per_call: int = Field(
        default=50, ge=1, description="optimiser steps in one compiled call"
    )
    fsdp: CountOrAuto = Field(
        default="auto",
        description="devices among which one run's state is split; auto: as few as hold it",
    )
    checkpoint_seconds: float = Field(
        default=60.0, gt=0, description="wall time between checkpoints"
    )
    stalled_seconds: float = Field(
        default=14400.0,
        gt=0,
        description="without progress, such as a compiled call or a block of samples, after which "
        "a worker ends itself, so that another may take over",
    )
    profile: ProfileConfig | None = Field(default=None, description="none: nothing is traced")
    slurm: SlurmConfig = SlurmConfig()
    ray: RayConfig = RayConfig()
    command: CommandConfig = CommandConfig()
    options: dict[str, Any] = Field(
        default={}, description="for an engine of one's own, which checks them itself"
    )


class FitConfig(Section):
    """What law is fitted to the table of measurements, and to which part of it."""

    metric: str = "importance_weighted_loss"
    laws: list[str] = Field(
        default=["power", "floor", "joint"],
        min_length=1,
        description="names of laws (see `scaling laws`), or FILE.py:NAME",
    )
    weights: str | None = Field(
        default=None, description="none: the first EMA in the table, else raw"
    )
    split: Literal["held_out", "train"] = "held_out"
    size: Literal["parameters", "parameters_non_embedding"] = Field(
        default="parameters_non_embedding", description="column that stands for N"
    )
    hold_out: int = Field(
        default=1, ge=0, description="largest rungs kept from the fit and predicted"
    )
    first_step: int = Field(default=0, ge=0, description="horizons before this step are left out")
    rates_from: str | None = Field(
        default=None,
        description="directory or table of a sweep of learning rates that tuned these sizes; from "
        "here or from this sweep's directory",
    )
    loss: Literal["huber", "squares"] = "huber"
    huber_delta: float | None = Field(
        default=None, gt=0, description="on residuals; by default from their spread"
    )
    residuals: Literal["log", "linear"] | None = Field(
        default=None, description="of log values or values; by default as suits the law"
    )
    asymmetry: float = Field(
        default=1.0,
        gt=0,
        description="how much values above the law count, against those below: below 1 for an "
        "envelope of runs that may be tuned badly",
    )
    weighting: Literal["equal", "standard_error"] | None = Field(
        default=None,
        description="of rows: alike, or by 1 / standard_error^2; by default alike, and in laws of "
        "rates by their errors",
    )
    known: dict[str, MaybeWithError] = Field(
        default_factory=dict,
        description="parameters that are not fitted, such as a measured floor: E: 0.12, or with "
        "its standard error, E: [0.12, 0.002]",
    )
    floor: Literal["fitted", "control"] = Field(
        default="fitted",
        description="E; control: what real images in the samples' place reach, with its error",
    )
    inference: Literal["fixed", "best"] = Field(
        default="fixed",
        description="setting that samples were drawn at; best: each run's own, as "
        "measure.distances.inference found it",
    )
    resampling: Literal["auto", "cases", "residuals", "wild"] = Field(
        default="auto", description="what the bootstrap draws anew"
    )
    bootstrap: int = Field(
        default=1000,
        ge=0,
        description="resamples of runs for the intervals: at least 100, or 0 for none",
    )
    intervals: Literal["bootstrap", "profile", "delta"] = Field(
        default="bootstrap",
        description="of parameters: the bootstrap's, by profile likelihood, or by linearising",
    )
    confidence: float = Field(default=0.95, gt=0, lt=1)
    seed: int = Field(default=0, ge=0)

    @field_validator("bootstrap")
    @classmethod
    def _enough(cls, value: int) -> int:
        if 0 < value < 100:
            raise ValueError(f"must be 0 or at least 100, not {value}")
        return value


class ManifestHeader(Section):
    """Every top-level key that is not part of a run's own configuration."""

    name: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="none: the file's name"
    )
    ladder: LadderConfig | None = Field(default=None, description="sizes of one's own")
    sweep: SweepConfig = SweepConfig()
    engine: EngineConfig = EngineConfig()
    fit: FitConfig = FitConfig()
