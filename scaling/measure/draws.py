"""Samples of a cohort at any setting of inference, by as few compiled programs as will do."""

from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Float, Num

from scaling.config import RunConfig, SampleConfig
from scaling.config.inference import Setting
from scaling.data.source import Source
from scaling.measure.drawing import block_size, in_blocks, sampling_program
from scaling.measure.samples import IMAGES_AT_ONCE


class Draws:
    """`draws(setting, parameters, seed)` gives images block by block, [runs, b, h, w, c].

    Seeds are that of measure.distances, or that of the choice, each with its number of images; a
    count of one's own has the first of them. Settings that differ in the scale of guidance or the
    weights alone share a program; without guidance it is another, of half the cost.
    """

    def __init__(
        self,
        config: RunConfig,
        source: Source,
        mesh: Mesh | None = None,
        *,
        images_at_once: int = IMAGES_AT_ONCE,
    ):
        given = config.measure.distances
        self._config, self._source, self._mesh = config, source, mesh
        self._fixed, self._images_at_once = given.drawing, images_at_once
        self._counts = {given.inference.seed: given.inference.samples, given.seed: given.images}
        self.programs: dict[str, Any] = {}

    def __call__(
        self, setting: Setting, parameters: Any, seed: int, count: int | None = None
    ) -> Iterator[Float[np.ndarray, "runs b h w c"]]:
        """Parameters have a run axis."""
        tokens = captions(self._source, self._counts[seed] if count is None else count, seed)
        drawing = setting.drawing(self._fixed, len(tokens), seed)
        guided = drawing.guidance_scale != 1
        program = self._program(drawing, guided)
        key = jax.random.key(seed)
        scale = np.float32(drawing.guidance_scale) if guided else None

        def sample(ids: Any, told: Any) -> Any:
            return program((parameters,), key, scale, ids, told)

        block = block_size(len(tokens), self._images_at_once, self._mesh)
        return in_blocks(sample, tokens, block)

    def _program(self, drawing: SampleConfig, guided: bool) -> Any:
        """The one there is, but for what is its argument or no matter to it."""
        other = {"captions", "count", "seed"} | ({"guidance_scale"} if guided else set())
        key = drawing.model_dump_json(exclude=other)
        if key not in self.programs:
            self.programs[key] = sampling_program(self._config, drawing, mesh=self._mesh)
        return self.programs[key]


def captions(source: Source, count: int, seed: int) -> Num[np.ndarray, "n t *e"]:
    """Encoded captions of held-out images, from the first again where there are too few."""
    told = source.held_out(count, seed).tokens
    return told[np.arange(count) % len(told)]
