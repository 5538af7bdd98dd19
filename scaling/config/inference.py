"""Settings of inference that are tried on each run, the best of which is measured beside."""

from dataclasses import dataclass
from itertools import product
from typing import Annotated, Any

from pydantic import Field, model_validator

from scaling.config.distance_metrics import FEWEST, WIN_RATE
from scaling.config.samplers import SamplerConfig
from scaling.config.samples import GuidanceInterval, SampleConfig
from scaling.config.section import Section, left_out

AXES = ("sampler", "steps", "guidance_scale", "guidance_interval", "ema_width")
"""Lists that are crossed, the last fastest."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One point of the grid: what it is called, and what differs from measure.distances.

    `ema_width` None stands for the weights that measure.distances itself samples.
    """

    name: str
    changes: dict[str, Any]
    ema_width: float | None

    def drawing(self, fixed: SampleConfig, count: int, seed: int) -> SampleConfig:
        """How so many images are sampled by it."""
        return fixed.model_copy(update={**self.changes, "count": count, "seed": seed})


class InferenceConfig(Section):
    """Lists of settings, crossed; of each run's the best is measured, on samples drawn anew."""

    guidance_scale: Annotated[
        tuple[Annotated[float, Field(ge=0)], ...],
        Field(strict=False, description="1: none, at half the cost"),
    ] = ()
    guidance_interval: Annotated[
        tuple[GuidanceInterval, ...],
        Field(strict=False, description="[low, high] of log-SNR; null: all of it"),
    ] = ()
    steps: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(strict=False)] = ()
    sampler: Annotated[tuple[SamplerConfig, ...], Field(strict=False)] = ()
    ema_width: Annotated[
        tuple[Annotated[float, Field(gt=0, lt=0.28)] | None, ...],
        Field(
            strict=False,
            description="sigma_rel of the weights, of train.ema or made from train.snapshots; "
            "null: those that measure.distances samples",
        ),
    ] = ()
    select_by: str = Field(
        default="kid",
        description="by which the best is chosen: one of measure.distances.metrics, or "
        "win_rate_<judge> for one of measure.preference.judges",
    )
    samples: int = Field(
        default=500, ge=FEWEST, le=100_000, description="drawn at each setting to choose by"
    )
    seed: int = Field(
        default=1, ge=0, description="of the captions and noise to choose by, and of no others"
    )
    keep: int = Field(
        default=0,
        ge=0,
        le=100_000,
        description="pictures of each setting kept for people to choose by, for the first captions "
        "of measure.preference; 0: none",
    )

    @model_validator(mode="after")
    def _each_once(self) -> "InferenceConfig":
        for axis in AXES:
            values = getattr(self, axis)
            for value in values:
                if values.count(value) > 1:
                    told = f"{_told(value, axis)} is given {values.count(value)} times"
                    raise ValueError(f"{axis}: {told}; once is enough")
        return self

    _as_ever = left_out(keep=lambda self: not self.keep)

    @property
    def settings(self) -> tuple[Setting, ...]:
        """Every combination, but one interval alone where nothing is guided; none without lists."""
        axes = {name: values for name in AXES if (values := getattr(self, name))}
        points = (dict(zip(axes, point, strict=True)) for point in product(*axes.values()))
        return tuple(map(_setting, filter(self._differs, points))) if axes else ()

    def _differs(self, point: dict[str, Any]) -> bool:
        unguided = point.get("guidance_scale") == 1 and "guidance_interval" in point
        return not unguided or point["guidance_interval"] == self.guidance_interval[0]

    @property
    def sweeps(self) -> bool:
        """Whether there is anything to choose from."""
        return len(self.settings) > 1

    @property
    def judge(self) -> str | None:
        """Whose preference decides; None where a distance does."""
        return self.select_by.removeprefix(WIN_RATE) if WIN_RATE in self.select_by else None


def _setting(values: dict[str, Any]) -> Setting:
    return Setting(
        name=" ".join(f"{axis}={_told(value, axis)}" for axis, value in values.items()),
        changes={axis: value for axis, value in values.items() if axis != "ema_width"},
        ema_width=values.get("ema_width"),
    )


NONE = {"guidance_interval": "all", "ema_width": "fixed"}
"""What None is called: no limits, and the weights that measure.distances samples."""


def _told(value: Any, axis: str) -> str:
    """Without blanks: 2, heun(churn=40), -2..3."""
    if isinstance(value, Section):
        given = value.model_dump(exclude_defaults=True)
        rest = ",".join(f"{key}={item}" for key, item in given.items() if key != "name")
        return f"{value.model_dump()['name']}({rest})" if rest else value.model_dump()["name"]
    if isinstance(value, tuple):
        return "..".join(f"{end:g}" for end in value)
    return NONE[axis] if value is None else f"{value:g}"
