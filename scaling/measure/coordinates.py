"""The coordinate check: how large activations are, and how far training has moved them.

In a parametrisation that transfers along width neither depends on it (arXiv 2203.03466, app. D.1).
"""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from models.diffusion.process import diffuse, over_images
from scaling import build
from scaling.config import RunConfig
from scaling.data.source import Source
from scaling.environment import compiler_options
from scaling.group import to_host
from scaling.measure.levels import common_noise
from scaling.measure.rows import Measurement, protocol_hash
from scaling.run_axis import for_each_run


def _rms(x: Array) -> Array:
    return jnp.sqrt(jnp.mean(jnp.square(x.astype(jnp.float32))))


class CoordinateMeter:
    """Compiled measurement of one program; nothing where `measure.coordinates` is 0."""

    def __init__(self, config: RunConfig, source: Source):
        self.images = config.measure.coordinates
        if not self.images:
            return
        measure, network = config.measure, build.network(config)
        process = build.process(config.diffusion)
        x0, tokens, ids = source.held_out(self.images, measure.seed)
        log_snr = jnp.asarray(np.resize(np.array(measure.log_snr, np.float32), len(ids)))
        noise = common_noise(
            measure.seed, jnp.asarray(ids), jnp.int32(0), jnp.int32(0), x0.shape[1:]
        )
        z = diffuse(process, jnp.asarray(x0), noise, log_snr)
        read = over_images(process.input_scale(log_snr), z) * z

        def sizes(pair: tuple[Any, Any]) -> dict[str, Array]:
            now, first = (network.probe(p, read, log_snr, jnp.asarray(tokens)) for p in pair)
            own = {f"activation/{name}": _rms(x) for name, x in now.items()}
            moved = {f"activation_change/{name}": _rms(now[name] - first[name]) for name in now}
            return own | moved

        self._sizes = jax.jit(
            lambda now, first: for_each_run(sizes, (now, first)),
            compiler_options=compiler_options(),
        )
        self.protocol = {
            "data": source.content_hash,
            "split": "held_out",
            "examples": len(ids),
            "seed": measure.seed,
            "log_snr": list(measure.log_snr),
        }
        if config.train.precision != "float32":
            self.protocol["precision"] = config.train.precision

    def protocols(self) -> dict[str, dict[str, Any]]:
        """The one in use, by its hash."""
        return {protocol_hash(self.protocol): self.protocol} if self.images else {}

    def rows(self, parameters: Any, first: Any, horizon: int) -> list[list[Measurement]]:
        """For each run of a cohort; `first` are the parameters before training."""
        runs = jax.tree.leaves(parameters)[0].shape[0]
        if not self.images:
            return [[] for _ in range(runs)]
        found = to_host(self._sizes(parameters, first))
        return [list(self._run(found, run, horizon)) for run in range(runs)]

    def _run(self, found: dict[str, np.ndarray], run: int, horizon: int) -> Iterator[Measurement]:
        for metric, values in found.items():
            yield Measurement(
                horizon=horizon,
                weights="raw",
                split="held_out",
                metric=metric,
                log_snr=None,
                value=float(values[run]),
                standard_error=None,
                count=self.protocol["examples"],
                protocol=protocol_hash(self.protocol),
            )
