"""How one run is optimised."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from scaling.config.section import Section
from scaling.config.transfer import NoTransfer, TransferConfig

Widths = Annotated[
    tuple[Annotated[float, Field(gt=0, lt=0.28)], ...], Field(strict=False)
]  # sigma_rel; beyond 0.28 no power function has it


class SnapshotConfig(Section):
    """Averages stored during training, to make others of any width afterwards (EDM2, section 3)."""

    count: int = Field(default=0, ge=0, le=1000, description="how often they are stored; 0: never")
    widths: Widths = Field(
        default=(0.05, 0.1), min_length=1, description="sigma_rel of the averages stored"
    )
    spacing: Literal["even", "log"] = Field(
        default="even", description="log: by equal ratios from a hundredth of the steps"
    )


class TrainConfig(Section):
    """AdamW with warm-up, a constant rate or one that falls, clipping and EMA."""

    steps: int = Field(ge=1, description="optimiser steps")
    batch_size: int = Field(default=64, ge=1, description="images a step")
    learning_rate: float = Field(default=2e-3, gt=0, description="peak rate")
    schedule: Literal["constant", "warmup_stable_decay", "inverse_sqrt"] = Field(
        default="constant",
        description="the rate after warm-up: constant; falling to zero at the end; or held for "
        "reference_steps t and then falling as sqrt(t / step) (EDM2, arXiv 2312.02696)",
    )
    reference_steps: int | None = Field(
        default=None,
        ge=1,
        description="steps from which the rate falls (inverse_sqrt only); published for EDM2: "
        "70,000 on ImageNet at 512 pixels, 35,000 at 64",
    )
    warmup_fraction: float = Field(
        default=0.02, ge=0, lt=1, description="of all steps, rising linearly"
    )
    decay_fraction: float = Field(
        default=0.2,
        gt=0,
        lt=1,
        description="of all steps, falling linearly to zero (stable-decay only)",
    )
    transfer: TransferConfig = Field(
        default=NoTransfer(), description="how the rate and initial weights change with size"
    )
    weight_decay: float = Field(default=0.0, ge=0)
    beta1: float = Field(default=0.9, ge=0, lt=1)
    beta2: float = Field(default=0.99, ge=0, lt=1)
    gradient_clip: float = Field(default=1.0, gt=0, description="largest global norm of a gradient")
    ema: Widths = Field(
        default=(0.1,),
        description="widths sigma_rel of power-function averages (EDM2, arXiv 2312.02696)",
    )
    snapshots: SnapshotConfig = SnapshotConfig()
    parts: int = Field(
        default=1,
        ge=1,
        description="of a batch, computed one after another to save memory (gradient accumulation)",
    )
    precision: Literal["float32", "bfloat16"] = Field(
        default="float32", description="of activations; parameters and averages stay float32"
    )
    rematerialise: Literal["nothing", "all", "all_but_products"] = Field(
        default="nothing",
        description="what each block computes again in the backward pass, to save memory",
    )
    dropout: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="share of activations zeroed in each block in training, in family edm2 alone; "
        "published: 0 for XXS to S, 0.1 for M to XXL",
    )
    caption_dropout: float = Field(
        default=0.1,
        ge=0,
        lt=1,
        description="share of captions hidden, for classifier-free guidance",
    )

    @model_validator(mode="after")
    def _schedule_fits(self) -> "TrainConfig":
        decays = self.schedule == "warmup_stable_decay"
        if decays and self.warmup_fraction + self.decay_fraction > 1:
            raise ValueError("warmup_fraction + decay_fraction must not exceed 1")
        if (self.schedule == "inverse_sqrt") != (self.reference_steps is not None):
            raise ValueError(
                "schedule inverse_sqrt and reference_steps, from which the rate falls, go together"
            )
        return self

    @model_validator(mode="after")
    def _parts_are_equal(self) -> "TrainConfig":
        if self.batch_size % self.parts:
            raise ValueError(f"a batch of {self.batch_size} has no {self.parts} equal parts")
        return self

    @property
    def averaged(self) -> tuple[float, ...]:
        """Every width that training keeps an average of, each once: measured ones, then stored."""
        stored = self.snapshots.widths if self.snapshots.count else ()
        return tuple(dict.fromkeys((*self.ema, *stored)))
