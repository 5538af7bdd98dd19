"""The compiled program that draws images of a cohort's runs, and its blocks of images."""

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, Float, Int, Key, Num

from models.diffusion.guidance import EVERYWHERE, autoguidance, classifier_free
from models.diffusion.predictions import denoiser
from models.diffusion.samplers import GRIDS, SAMPLERS, Draw, Sampler, fresh_noise
from scaling import build
from scaling.config import RunConfig, SampleConfig
from scaling.config.diffusion import DiffusionConfig
from scaling.config.samplers import QuantileGrid
from scaling.data.facts import facts
from scaling.environment import compiler_options
from scaling.group import to_host
from scaling.run_axis import for_each_run
from scaling.train.sharding import batch_constraint


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


def network_evaluations(samples: SampleConfig) -> int:
    """Per image, those of the guide counted too."""
    guided = samples.guidance_scale != 1
    return int(sampler_of(samples).evaluations(samples.steps)) * (1 + guided)


def noise_for(
    key: Key[Array, ""], ids: Int[Array, " b"], shape: tuple[int, ...]
) -> tuple[Float[Array, "b *d"], Draw]:
    """First noise and that of the steps: of (key, number of the image), whatever its block."""
    keys = jax.vmap(partial(jax.random.fold_in, key))(ids)
    first, later = jnp.unstack(jax.vmap(jax.random.split)(keys), axis=1)
    return fresh_noise(first, shape)(jnp.asarray(0)), fresh_noise(later, shape)


def sampling_program(
    config: RunConfig,
    samples: SampleConfig,
    *,
    mesh: Mesh | None = None,
    guide: RunConfig | None = None,
) -> Callable[..., Float[Array, "runs b h w c"]]:
    """A compiled function of (parameters, key, scale, ids, tokens): a tuple of networks' own.

    The scale of guidance is an array, or None for that of `samples`. The seed is the key's alone.
    """
    network, process = build.network(config), build.process(config.diffusion)
    weaker = None if guide is None else build.network(guide)
    about, prediction = facts(config.data), config.diffusion.prediction
    shape = (about.size, about.size, about.channels)
    levels, sampler = levels_of(samples, config.diffusion), sampler_of(samples)
    interval = samples.guidance_interval or EVERYWHERE

    def sample(weights: tuple[Any, ...], key: Array, scale: Any, ids: Array, tokens: Array):
        noise, draw = noise_for(key, ids, shape)
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
    def sample_runs(weights: tuple[Any, ...], key: Array, scale: Any, ids: Array, tokens: Array):
        scale = samples.guidance_scale if scale is None else scale
        return for_each_run(lambda run: sample(run, key, scale, ids, tokens), weights, mesh)

    return sample_runs


def block_size(count: int, images_at_once: int, mesh: Mesh | None) -> int:
    """Images sampled together: no more than there are, and equally many on every device."""
    across = 1 if mesh is None else mesh.shape["data"] * mesh.shape["fsdp"]
    return math.ceil(min(count, images_at_once) / across) * across


def in_blocks(
    sample: Callable[[Any, Any], Any], tokens: Num[np.ndarray, "n t *e"], block: int
) -> Iterator[Float[np.ndarray, "runs _ h w c"]]:
    """`sample` of the numbers and captions of `block` images after another."""
    count = len(tokens)
    for start in range(0, count, block):
        # The last block is filled up, so that one program serves all.
        ids = np.minimum(np.arange(start, start + block), count - 1)
        yield to_host(sample(ids, tokens[ids]))[:, : count - start]
