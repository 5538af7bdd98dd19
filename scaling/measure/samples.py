"""Images sampled from a run, from captions and noise that all runs share."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Float, Float16, Num, UInt8

from models.diffusion.guidance import EVERYWHERE
from scaling.config import LatentsData, RunConfig, SampleConfig
from scaling.data.source import Source
from scaling.measure.drawing import block_size, in_blocks, network_evaluations, sampling_program

IMAGES_AT_ONCE = 64
"""Of each run: more are sampled block by block."""


def to_uint8(images: Float[np.ndarray, "... h w c"]) -> UInt8[np.ndarray, "... h w c"]:
    """[-1, 1] to 0..255, clipped and rounded."""
    return np.clip(np.round((np.asarray(images) + 1) * 127.5), 0, 255).astype(np.uint8)


def as_stored(
    config: RunConfig, images: Float[np.ndarray, "... h w c"]
) -> UInt8[np.ndarray, "... h w c"] | Float16[np.ndarray, "... h w c"]:
    """What files hold: pixels of 0..255, or latents as the VAE decodes them, their scale undone."""
    data = config.data
    if isinstance(data, LatentsData):
        return (np.asarray(images) / data.scale_factor + data.shift).astype(np.float16)
    return to_uint8(images)


def captions_for(samples: SampleConfig, source: Source) -> list[str]:
    """The prompts asked for, or the source's own."""
    return list(samples.captions) or source.default_captions(samples.count, samples.seed)


def description(samples: SampleConfig, guide: str | None = None) -> dict[str, Any]:
    """What is recorded beside samples; `guide` names the network of autoguidance.

    `network_evaluations` is per image, and counts the guide's too.
    """
    guided = samples.guidance_scale != 1
    method = "classifier_free" if guide is None else "autoguidance"
    return {
        "sampler": samples.sampler.name,
        "steps": samples.steps,
        "network_evaluations": network_evaluations(samples),
        "guidance": method if guided else "none",
        "guidance_scale": samples.guidance_scale,
        "guidance_interval": samples.guidance_interval or EVERYWHERE,
        "guide": guide or "",
        "seed": samples.seed,
        "settings": samples.model_dump_json(exclude={"captions"}),
    }


def make_sampler(
    config: RunConfig,
    source: Source,
    samples: SampleConfig,
    captions: Sequence[str],
    *,
    mesh: Mesh | None = None,
    guide: RunConfig | None = None,
) -> Callable[..., Float[np.ndarray, "runs n h w c"]]:
    """A compiled function from a cohort's parameters to one image per run and caption.

    With a mesh, runs are split along its `run` axis and images along `data`. With a `guide`, a
    configuration of the same data and diffusion, the function also takes that network's parameters
    (with a run axis), and autoguidance takes the place of classifier-free guidance.
    """
    tokens = np.asarray(source.encode(captions))
    blocks = make_block_sampler(config, samples, tokens, mesh=mesh, guide=guide)
    return lambda *weights: np.concatenate(list(blocks(*weights)), axis=1)


def make_block_sampler(
    config: RunConfig,
    samples: SampleConfig,
    tokens: Num[np.ndarray, "n t *e"],
    *,
    mesh: Mesh | None = None,
    guide: RunConfig | None = None,
    images_at_once: int = IMAGES_AT_ONCE,
) -> Callable[..., Iterator[Float[np.ndarray, "runs _ h w c"]]]:
    """As `make_sampler`, of encoded captions, giving the images block by block."""
    program = sampling_program(config, samples, mesh=mesh, guide=guide)
    key = jax.random.key(samples.seed)
    block = block_size(len(tokens), images_at_once, mesh)
    return lambda *weights: in_blocks(
        lambda ids, told: program(weights, key, None, ids, told), tokens, block
    )
