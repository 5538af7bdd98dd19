"""What is measured of a run, and when."""

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from scaling.config.densities import FixedDensityConfig, LaplaceDensity
from scaling.config.distances import DistanceConfig
from scaling.config.floor import FloorConfig
from scaling.config.likelihood import LikelihoodConfig
from scaling.config.preference import PreferenceConfig, called
from scaling.config.samples import SampleConfig
from scaling.config.section import Section, left_out
from scaling.config.train import Widths
from scaling.config.weightings import Quantity


class HorizonConfig(Section):
    """Steps at which a run is measured: log-spaced from `first` to the last step of training."""

    first: int = Field(default=100, ge=1)
    count: int = Field(default=6, ge=1, le=100)


def _rising(nodes: tuple[float, ...]) -> tuple[float, ...]:
    if any(a >= b for a, b in pairwise(nodes)):
        raise ValueError("log-SNR levels must rise strictly")
    return nodes


Levels = Annotated[
    tuple[float, ...], Field(strict=False, min_length=3, max_length=513), AfterValidator(_rising)
]

# Dense where images form, about lambda = 0; the ends are where nothing or everything is visible.
LEVELS = (
    -8.0,
    -6.0,
    -4.5,
    -3.0,
    -2.0,
    -1.5,
    -1.0,
    -0.5,
    0.0,
    0.5,
    1.0,
    1.5,
    2.0,
    3.0,
    4.5,
    6.0,
    8.0,
)


class MeasureConfig(Section):
    """The held-out loss at each noise level, its weighted means, and samples."""

    horizons: HorizonConfig = HorizonConfig()
    log_snr: Levels = Field(default=LEVELS, description="noise levels, the nodes of a quadrature")
    error: Quantity = Field(default="v", description="whose squared error is recorded")
    importance: FixedDensityConfig = Field(
        default=LaplaceDensity(), description="density that weights the importance-weighted loss"
    )
    held_out_examples: int = Field(default=256, ge=2)
    train_examples: int = Field(
        default=128, ge=0, description="for the generalisation gap; 0: none"
    )
    before_last: Literal["all", "average"] = Field(
        default="all",
        description="what horizons before the last measure: everything, or only the held-out "
        "loss of the averaged weights",
    )
    draws: int = Field(
        default=1, ge=1, le=64, description="noise draws per example and noise level"
    )
    seed: int = Field(default=0, ge=0, description="of the examples and noise, shared by all runs")
    samples: SampleConfig = SampleConfig()
    distances: DistanceConfig = DistanceConfig()
    preference: PreferenceConfig = PreferenceConfig()
    floor: FloorConfig = FloorConfig()
    likelihood: LikelihoodConfig = LikelihoodConfig()
    coordinates: int = Field(
        default=0,
        ge=0,
        description="held-out images on which the size of activations is recorded; 0: never",
    )
    ema_widths: Widths = Field(
        default=(),
        description="widths sigma_rel of averages made from train.snapshots at the last horizon",
    )

    @model_validator(mode="after")
    def _a_judge_that_chooses_is_there(self) -> "MeasureConfig":
        asked = self.distances.inference
        if not asked.sweeps or asked.judge is None:
            return self
        where = f"distances.inference.select_by: '{asked.select_by}'"
        judges = [called(judge) for judge in self.preference.judges]
        if not self.preference.samples:
            raise ValueError(
                f"{where} needs pairs to judge; set measure.preference.samples, e.g. to 200"
            )
        if asked.judge not in judges:
            told = ", ".join(judges) or "none"
            raise ValueError(f"{where} names none of measure.preference.judges ({told})")
        if not self.preference.shares(self.distances):
            raise ValueError(
                f"{where} needs the best to be measured on the pairs of the fixed setting; leave "
                "measure.preference.sampling out, so that they are those of measure.distances"
            )
        return self

    @model_validator(mode="after")
    def _kept_pictures_have_real_ones(self) -> "MeasureConfig":
        keep, pairs = self.distances.inference.keep, self.preference.samples
        where = f"distances.inference.keep: {keep} pictures a setting"
        if keep > pairs:
            raise ValueError(
                f"{where} need as many real ones beside them, and measure.preference.samples is "
                f"{pairs}; raise that, or keep fewer"
            )
        if keep and not self.preference.shares(self.distances):
            raise ValueError(
                f"{where} stand beside those of the fixed setting, for their captions and from "
                "their noise; leave measure.preference.sampling out, so that these are those of "
                "measure.distances"
            )
        return self

    _as_ever = left_out(preference=lambda self: not self.preference.samples)
