"""The configuration of one run, validated before anything is spent; nothing here imports jax."""

from scaling.config.data import (
    DataConfig,
    DigitsData,
    EmojiData,
    FilesData,
    LatentsData,
    MixtureData,
)
from scaling.config.densities import DensityConfig
from scaling.config.diffusion import DiffusionConfig
from scaling.config.measure import MeasureConfig
from scaling.config.model import ModelConfig
from scaling.config.run import FORMAT_VERSION, RunConfig, run_id
from scaling.config.samples import SampleConfig
from scaling.config.section import Section
from scaling.config.train import TrainConfig
from scaling.config.weightings import WeightingConfig

__all__ = [
    "FORMAT_VERSION",
    "DataConfig",
    "DensityConfig",
    "DiffusionConfig",
    "DigitsData",
    "EmojiData",
    "FilesData",
    "LatentsData",
    "MeasureConfig",
    "MixtureData",
    "ModelConfig",
    "RunConfig",
    "SampleConfig",
    "Section",
    "TrainConfig",
    "WeightingConfig",
    "run_id",
]
