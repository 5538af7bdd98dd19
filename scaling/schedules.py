"""What a training loss amounts to: where it draws, how it weighs, and the weighting implied."""

from collections.abc import Sequence
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from models.diffusion.predictions import error_ratio
from models.diffusion.weightings import monotone
from scaling import build
from scaling.config import RunConfig
from scaling.config.diffusion import DiffusionConfig
from scaling.config.log_variance import LearnedLogVariance

BANDS = (-np.inf, -4.0, -1.0, 1.0, 4.0, np.inf)
"""Edges in log-SNR of the bands whose shares are told: hidden, rough, middle, fine, clean."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Curves on `log_snr` [n]: density, factor on the chosen error, weighting of the epsilon-error.

    `shares` are of samples in each of BANDS; `effective` is the share of samples that would carry
    as much if all weighed alike, 1 / (1 + variance of the factor / its mean^2). Where a variance is
    `learned`, factor and weighting are those that it will divide: nothing is said of a bound.
    """

    label: str
    config: DiffusionConfig
    log_snr: np.ndarray
    density: np.ndarray
    factor: np.ndarray
    weighting: np.ndarray
    monotone: bool
    learned: bool
    shares: tuple[float, ...]
    effective: float


def profile(config: RunConfig, label: str, points: int = 1001) -> Profile:
    """The curves of a run's loss, before training has changed any; the largest weighting is one."""
    diffusion = config.diffusion
    learned = isinstance(diffusion.log_variance, LearnedLogVariance)
    noise = build.process(diffusion)
    found = build.schedule(config)
    density = found.density(found.init())
    low, high = diffusion.log_snr_min, diffusion.log_snr_max
    levels = jnp.linspace(low, high, points)
    p = np.asarray(density.pdf(levels), float)
    c = np.asarray(build.factor(config)(density, levels), float)
    ratio = np.asarray(error_ratio(noise, "epsilon", diffusion.error, levels), float)
    drawn = p > 0
    w = np.where(drawn, p * np.where(drawn, c, 0.0), 0.0) * ratio
    edges = jnp.clip(jnp.asarray(BANDS), low, high)
    grid = np.asarray(levels, float)
    mean, square = (np.trapezoid(np.where(drawn, p * c**k, 0.0), grid) for k in (1, 2))
    return Profile(
        label=label,
        config=diffusion,
        log_snr=grid,
        density=p,
        factor=c,
        weighting=w / w.max(),
        monotone=monotone(w) and not learned,
        learned=learned,
        shares=tuple(np.diff(np.asarray(density.cdf(edges), float))),
        effective=float(mean**2 / square),
    )


def profiles(configs: Sequence[tuple[str, RunConfig]]) -> list[Profile]:
    """One for each distinct diffusion section, under the label of the first run that has it."""
    first: dict[str, tuple[str, RunConfig]] = {}
    for label, config in configs:
        first.setdefault(config.diffusion.model_dump_json(), (label, config))
    return [profile(config, label) for label, config in first.values()]
