"""DiT with adaLN-Zero blocks (arXiv 2212.09748), conditioned on log-SNR and a caption."""

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Num

from models.compute import PLAIN, Compute
from models.networks import blocks
from models.networks.dit.shape import DiTShape
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

    def __init__(self, shape: DiTShape, compute: Compute = PLAIN, *, rngs: nnx.Rngs):
        self.shape, self.compute = shape, compute
        width, rung = shape.rung.width, shape.rung
        self.patch = _linear(shape.patch_values, width, rngs)
        self.noise_in = _linear(shape.frequencies, width, rngs)
        self.noise_out = _linear(width, width, rngs)
        self.words = nnx.Param(
            nnx.initializers.normal(1.0)(rngs.params(), (shape.inputs.vocabulary, width))
        )
        if shape.conditioning != "class":
            self.caption = _linear(width, width, rngs)
        self.blocks = blocks.stack(
            rung.depth, lambda rngs: Block(width, rung.heads, rngs=rngs), rngs
        )
        self.last_modulation = _linear(width, 2 * width, rngs, ZEROS)
        self.last = _linear(width, shape.output_values, rngs, ZEROS)

    def condition(
        self, log_snr: Float[Array, " b"], tokens: Num[Array, "b t *e"]
    ) -> Float[Array, "b d"]:
        """The vector that steers every block, after its activation."""
        features = log_snr_features(log_snr, self.shape.frequencies)
        noise = self.noise_out(jax.nn.silu(self.noise_in(features)))
        words = mean_embedding(self.words[...], tokens)
        return jax.nn.silu(
            noise + (words if self.shape.conditioning == "class" else self.caption(words))
        )

    def __call__(
        self, z: Float[Array, "b h w c"], log_snr: Float[Array, " b"], tokens: Num[Array, "b t *e"]
    ) -> Float[Array, "b h w c"]:
        """Predict from noisy images at each example's own noise level."""
        shape, size = self.shape, self.shape.inputs.size
        x = self.patch(patchify(z, shape.patch_size))
        x = x + positions_2d(shape.side, shape.side, shape.rung.width)
        c = self.condition(log_snr, tokens)
        x = blocks.run(self.blocks, shape.rung.depth, x, c, compute=self.compute)
        shift, scale = jnp.split(self.last_modulation(c), 2, axis=-1)
        x = self.last(modulate(layer_norm(x), shift, scale))
        return unpatchify(x, shape.patch_size, size, size)
