"""How far the images a run draws lie from real ones."""

from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    field_validator,
    model_validator,
)

from scaling.config.distance_metrics import DESCRIPTIVE, FEWEST, DistanceMetric
from scaling.config.inference import InferenceConfig
from scaling.config.judge_files import DIGITS, sha256
from scaling.config.samples import Drawing, SampleConfig
from scaling.config.section import left_out
from scaling.errors import InputError


def _steps(given: Any) -> Any:
    """As they are, told as one: what a union says of each of its members is too much."""
    steps = isinstance(given, list | tuple) and all(type(step) is int for step in given)
    if steps or given in ("last", "all"):
        return given
    raise ValueError(f"must be last, all or a list of steps, such as [150, 300], not {given!r}")


Horizons = Annotated[
    Literal["last", "all"] | Annotated[tuple[int, ...], Field(strict=False)],
    BeforeValidator(_steps),
]


class DistanceConfig(Drawing):
    """Distances between samples for held-out captions and the held-out images; 0 samples: none."""

    samples: int = Field(
        default=0, ge=0, le=100_000, description="drawn of each run, by its averaged weights"
    )
    metrics: Annotated[tuple[DistanceMetric, ...], Field(strict=False, min_length=1)] = Field(
        default=("kid", "fd_infinite"),
        description="as in `scaling distance`; beyond_gaussian: the share of the difference that a "
        "Frechet distance cannot see; gaussianity: Mardia's test of the samples' features",
    )
    references: int = Field(
        default=5000, ge=2 * FEWEST, description="held-out images to compare with, at most"
    )
    network: str = Field(
        default="efficientnet_lite0",
        min_length=1,
        description="what turns images into features, as for `scaling distance`",
    )
    digest: str = Field(default="", description="of the network's file, if any; filled in")
    horizons: Horizons = Field(
        default="last",
        description="when images are drawn: last, all, or steps at which runs are measured anyway, "
        "beside the last",
    )
    repeats: int = Field(
        default=1,
        ge=1,
        le=100,
        description="sets of so many samples, each of noise and captions of its own; values are "
        "means over sets",
    )
    seed: int = Field(default=0, ge=0, description="of captions, noise and references; of all runs")
    inference: InferenceConfig = Field(
        default=InferenceConfig(),
        description="settings to try at the last horizon, beside the one above; none by default",
    )

    @property
    def drawing(self) -> SampleConfig:
        """How the images are sampled."""
        shared = SampleConfig.model_fields.keys() & type(self).model_fields.keys()
        given = {name: getattr(self, name) for name in shared}
        return SampleConfig(count=self.samples, **given)

    @property
    def images(self) -> int:
        """All that are drawn of a run at a horizon: every set, one after another."""
        return self.samples * self.repeats

    @field_validator("samples")
    @classmethod
    def _enough(cls, samples: int) -> int:
        if 0 < samples < FEWEST:
            raise ValueError(f"must be 0 for none, or at least {FEWEST}, not {samples}")
        return samples

    @field_validator("metrics")
    @classmethod
    def _each_once(cls, metrics: tuple[str, ...]) -> tuple[str, ...]:
        for name in metrics:
            if metrics.count(name) > 1:
                raise ValueError(f"'{name}' is given {metrics.count(name)} times; once is enough")
        return metrics

    @model_validator(mode="after")
    def _a_choice_can_be_made(self) -> "DistanceConfig":
        tried = self.inference
        if tried.keep and not tried.sweeps:
            raise ValueError(
                f"inference.keep: there are no settings to keep {tried.keep} pictures of; list two "
                "or more, e.g. inference.guidance_scale: [1, 2]"
            )
        if not tried.settings:
            return self
        if not tried.sweeps:
            changed = {k: v for k, v in tried.settings[0].changes.items() if v != getattr(self, k)}
            if changed or tried.settings[0].ema_width is not None:
                raise ValueError(
                    f"inference: '{tried.settings[0].name}' alone is no choice; give two settings "
                    "or more, or set it in measure.distances itself"
                )
            return self
        if tried.guidance_interval and not (tried.guidance_scale or self.guidance_scale != 1):
            raise ValueError(
                "inference.guidance_interval: nothing is guided at guidance_scale 1; give "
                "inference.guidance_scale too"
            )
        if not self.samples:
            raise ValueError(
                "inference: samples is 0, and the best setting is measured on as many; set "
                "measure.distances.samples, e.g. to 2000"
            )
        if tried.judge is None and tried.select_by in DESCRIPTIVE:
            raise ValueError(
                f"inference.select_by: '{tried.select_by}' says in what way images differ, not how "
                "far; choose by a distance, such as kid, or by win_rate_<judge>"
            )
        if tried.judge is None and tried.select_by not in self.metrics:
            raise ValueError(
                f"inference.select_by: '{tried.select_by}' is none of metrics, "
                f"{', '.join(self.metrics)}; add it there, choose by one of them, or by "
                "win_rate_<judge>"
            )
        if tried.seed == self.seed:
            raise ValueError(
                f"inference.seed: {tried.seed} is the seed of measure.distances too; a setting "
                "must be chosen by other samples than those it is measured on"
            )
        return self

    _as_ever = left_out(
        repeats=lambda self: self.repeats == 1, inference=lambda self: not self.inference.sweeps
    )

    @model_validator(mode="before")
    @classmethod
    def _digest(cls, given: Any) -> Any:
        """A network's file is part of the configuration, as every file is that decides numbers."""
        text = given.get("network") if isinstance(given, dict) else None
        if not isinstance(text, str):
            return given
        from scaling.measure.features.named import present

        try:
            file = present(text)
        except InputError as error:
            raise ValueError(f"network: {error}") from None
        if file is None:
            return given
        digest = sha256(file)[:DIGITS]
        if given.get("digest") and given["digest"] != digest:
            raise ValueError(
                f"network: '{file}' has changed: its hash is {digest}, not {given['digest']}; "
                "give the changed file a name of its own, or start a new directory"
            )
        return {**given, "digest": digest}
