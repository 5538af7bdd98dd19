"""Images sampled from a run, from captions and noise that all runs share."""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, Float, Float16, Int, Num, UInt8

from models.diffusion.guidance import EVERYWHERE, autoguidance, classifier_free
from models.diffusion.predictions import denoiser
from models.diffusion.samplers import GRIDS, SAMPLERS, Draw, Sampler, fresh_noise
from scaling import build
from scaling.config import LatentsData, RunConfig, SampleConfig
from scaling.config.diffusion import DiffusionConfig
from scaling.config.samplers import QuantileGrid
from scaling.data.facts import facts
from scaling.data.source import Source
from scaling.environment import compiler_options
from scaling.run_axis import for_each_run
from scaling.train.sharding import batch_constraint

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


def sampler_of(samples: SampleConfig) -> Sampler:
    """The configured sampler."""
    return build.named(SAMPLERS, samples.sampler, Sampler)


def levels_of(samples: SampleConfig, diffusion: DiffusionConfig) -> Float[Array, " steps"]:
    """The rising levels of log-SNR that the sampler visits, within those trained on."""
    low, high, grid = diffusion.log_snr_min, diffusion.log_snr_max, samples.grid
    parameters: dict[str, Any] = grid.model_dump(exclude={"name"})
    if isinstance(grid, QuantileGrid):
        parameters["density"] = build.density(grid.density, low, high)
    return GRIDS[grid.name](build.process(diffusion), low, high, samples.steps, **parameters)


def description(samples: SampleConfig, guide: str | None = None) -> dict[str, Any]:
    """What is recorded beside samples; `guide` names the network of autoguidance.

    `network_evaluations` is per image, and counts the guide's too.
    """
    guided = samples.guidance_scale != 1
    method = "classifier_free" if guide is None else "autoguidance"
    return {
        "sampler": samples.sampler.name,
        "steps": samples.steps,
        "network_evaluations": sampler_of(samples).evaluations(samples.steps) * (1 + guided),
        "guidance": method if guided else "none",
        "guidance_scale": samples.guidance_scale,
        "guidance_interval": samples.guidance_interval or EVERYWHERE,
        "guide": guide or "",
        "seed": samples.seed,
        "settings": samples.model_dump_json(exclude={"captions"}),
    }


def noise_for(
    seed: int, ids: Int[Array, " b"], shape: tuple[int, ...]
) -> tuple[Float[Array, "b *d"], Draw]:
    """First noise and that of the steps: of (seed, number of the image), whatever its block."""
    keys = jax.vmap(partial(jax.random.fold_in, jax.random.key(seed)))(ids)
    first, later = jnp.unstack(jax.vmap(jax.random.split)(keys), axis=1)
    return fresh_noise(first, shape)(jnp.asarray(0)), fresh_noise(later, shape)


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
    network, process = build.network(config), build.process(config.diffusion)
    weaker = None if guide is None else build.network(guide)
    about, prediction = facts(config.data), config.diffusion.prediction
    shape = (about.size, about.size, about.channels)
    levels, sampler = levels_of(samples, config.diffusion), sampler_of(samples)
    scale, interval = samples.guidance_scale, samples.guidance_interval or EVERYWHERE
    across = 1 if mesh is None else mesh.shape["data"]
    block = math.ceil(min(len(tokens), images_at_once) / across) * across

    def sample(weights: tuple[Any, ...], ids: Array, tokens: Array) -> Array:
        noise, draw = noise_for(samples.seed, ids, shape)
        noise, tokens = batch_constraint(mesh, (noise, tokens))
        guided = partial(network.apply, weights[0])
        if weaker is None:
            guided = classifier_free(guided, scale, interval)
        else:
            guided = autoguidance(guided, partial(weaker.apply, weights[1]), scale, interval)
        return sampler.sample(
            process, denoiser(process, guided, tokens, prediction), noise, levels, draw
        )

    @partial(jax.jit, compiler_options=compiler_options())
    def sample_runs(weights: tuple[Any, ...], ids: Array, tokens: Array) -> Array:
        return for_each_run(lambda run: sample(run, ids, tokens), weights, mesh)

    def in_blocks(*weights: Any) -> Iterator[Float[np.ndarray, "runs _ h w c"]]:
        count = len(tokens)
        for start in range(0, count, block):
            # The last block is filled up, so that one program serves all.
            ids = np.minimum(np.arange(start, start + block), count - 1)
            yield np.asarray(sample_runs(weights, ids, tokens[ids]))[:, : count - start]

    return in_blocks
