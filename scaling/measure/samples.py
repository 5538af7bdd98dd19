"""Images sampled from a run, from captions and noise that all runs share."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, UInt8

from models.diffusion.densities import bounded
from models.diffusion.guidance import classifier_free
from models.diffusion.predictions import denoiser
from models.diffusion.samplers import ddim, log_snr_grid
from scaling import build
from scaling.config import RunConfig, SampleConfig
from scaling.data.source import Source
from scaling.environment import compiler_options
from scaling.run_axis import for_each_run


def to_uint8(images: Float[np.ndarray, "... h w c"]) -> UInt8[np.ndarray, "... h w c"]:
    """[-1, 1] to 0..255, clipped and rounded."""
    return np.clip(np.round((np.asarray(images) + 1) * 127.5), 0, 255).astype(np.uint8)


def captions_for(samples: SampleConfig, source: Source) -> list[str]:
    """The prompts asked for, or the source's own."""
    return list(samples.captions) or source.default_captions(samples.count, samples.seed)


def make_sampler(
    config: RunConfig, source: Source, samples: SampleConfig, captions: Sequence[str]
) -> Callable[[Any], Float[np.ndarray, "runs n h w c"]]:
    """A compiled function from a cohort's parameters to one image per run and caption."""
    network = build.network(config)
    shape = build.shape(config)
    tokens = jnp.asarray(source.encode(captions))
    noise = jax.random.normal(
        jax.random.key(samples.seed), (len(captions), shape.size, shape.size, shape.channels)
    )
    span = config.diffusion
    process = build.process(span)
    levels = log_snr_grid(bounded("cosine", span.log_snr_min, span.log_snr_max), samples.steps)

    def sample(parameters: Any) -> jax.Array:
        guided = classifier_free(partial(network.apply, parameters), samples.guidance_scale)
        return ddim(process, denoiser(process, guided, tokens, span.prediction), noise, levels)

    @partial(jax.jit, compiler_options=compiler_options())
    def sample_runs(parameters: Any) -> jax.Array:
        return for_each_run(sample, parameters)

    return lambda parameters: np.asarray(sample_runs(parameters))
