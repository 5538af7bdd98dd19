"""DiT with adaLN-Zero blocks (arXiv 2212.09748), conditioned on log-SNR and a caption."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Int

from models.ladder import Rung
from models.networks.layers import (
    attention,
    gelu,
    layer_norm,
    log_snr_features,
    mean_embedding,
    modulate,
    patchify,
    positions_2d,
    unpatchify,
)

XAVIER = nnx.initializers.xavier_uniform()
ZEROS = nnx.initializers.zeros
UNROLL_UP_TO = 8
"""Deepest stack that is unrolled: on a CPU a loop costs time, and compiles faster only beyond."""


@dataclass(frozen=True, kw_only=True)
class DiTShape:
    """Everything that fixes the parameters' shapes."""

    rung: Rung
    size: int
    channels: int
    patch_size: int
    vocabulary: int
    frequencies: int = 32

    @property
    def patch_values(self) -> int:
        """Numbers in one patch."""
        return self.patch_size**2 * self.channels

    @property
    def tokens(self) -> int:
        """Patches in an image."""
        return (self.size // self.patch_size) ** 2


def _linear(
    inputs: int, outputs: int, rngs: nnx.Rngs, init: nnx.Initializer = XAVIER
) -> nnx.Linear:
    return nnx.Linear(inputs, outputs, kernel_init=init, rngs=rngs)


class Block(nnx.Module):
    """Attention and a 4x MLP, shifted, scaled and gated by the condition; the identity at first."""

    def __init__(self, width: int, heads: int, *, rngs: nnx.Rngs):
        self.heads = heads
        self.modulation = _linear(width, 6 * width, rngs, ZEROS)
        self.qkv = _linear(width, 3 * width, rngs)
        self.out = _linear(width, width, rngs)
        self.expand = _linear(width, 4 * width, rngs)
        self.contract = _linear(4 * width, width, rngs)

    def __call__(self, x: Float[Array, "b n d"], c: Float[Array, "b d"]) -> Float[Array, "b n d"]:
        """One block."""
        shift1, scale1, gate1, shift2, scale2, gate2 = jnp.split(self.modulation(c), 6, axis=-1)
        h = attention(self.qkv(modulate(layer_norm(x), shift1, scale1)), self.heads)
        x = x + gate1[:, None] * self.out(h)
        h = self.contract(gelu(self.expand(modulate(layer_norm(x), shift2, scale2))))
        return x + gate2[:, None] * h


class DiT(nnx.Module):
    """(z, log_snr, tokens) -> prediction, of the shape of z."""

    def __init__(self, shape: DiTShape, *, rngs: nnx.Rngs):
        self.shape = shape
        width, depth = shape.rung.width, shape.rung.depth
        self.patch = _linear(shape.patch_values, width, rngs)
        self.noise_in = _linear(shape.frequencies, width, rngs)
        self.noise_out = _linear(width, width, rngs)
        self.words = nnx.Param(
            nnx.initializers.normal(1.0)(rngs.params(), (shape.vocabulary, width))
        )
        self.caption = _linear(width, width, rngs)

        @nnx.split_rngs(splits=depth)
        @nnx.vmap
        def stack(rngs: nnx.Rngs) -> Block:
            return Block(width, shape.rung.heads, rngs=rngs)

        self.blocks = stack(rngs)
        self.last_modulation = _linear(width, 2 * width, rngs, ZEROS)
        self.last = _linear(width, shape.patch_values, rngs, ZEROS)

    def condition(
        self, log_snr: Float[Array, " b"], tokens: Int[Array, "b t"]
    ) -> Float[Array, "b d"]:
        """The vector that steers every block, after its activation."""
        noise = self.noise_in(log_snr_features(log_snr, self.shape.frequencies))
        caption = self.caption(mean_embedding(self.words[...], tokens))
        return jax.nn.silu(self.noise_out(jax.nn.silu(noise)) + caption)

    def __call__(
        self, z: Float[Array, "b h w c"], log_snr: Float[Array, " b"], tokens: Int[Array, "b t"]
    ) -> Float[Array, "b h w c"]:
        """Predict from noisy images at each example's own noise level."""
        shape = self.shape
        side = shape.size // shape.patch_size
        x = self.patch(patchify(z, shape.patch_size)) + positions_2d(side, side, shape.rung.width)
        c = self.condition(log_snr, tokens)

        graph, stacked = nnx.split(self.blocks)

        def block(x: Array, parameters: Any) -> tuple[Array, None]:
            return nnx.merge(graph, parameters)(x, c), None

        depth = shape.rung.depth
        x, _ = jax.lax.scan(block, x, stacked, unroll=depth if depth <= UNROLL_UP_TO else 1)
        shift, scale = jnp.split(self.last_modulation(c), 2, axis=-1)
        x = self.last(modulate(layer_norm(x), shift, scale))
        return unpatchify(x, shape.patch_size, shape.size, shape.size)
