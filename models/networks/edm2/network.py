"""EDM2's U-Net (arXiv 2312.02696, config G), conditioned on log-SNR and a class or caption.

It is the network alone: the paper's preconditioning is the prediction "edm" of the process
"variance_exploding".
"""

import math
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Num

from models.compute import PLAIN, Compute
from models.counting import total
from models.networks.attention import self_attend
from models.networks.blocks import rematerialised
from models.networks.edm2 import magnitude
from models.networks.edm2.count import layers
from models.networks.edm2.dropout import Dropout
from models.networks.edm2.shape import Block, EDM2Shape
from models.networks.edm2.weights import fan_in_axes
from models.networks.layers import patchify, unpatchify
from models.networks.observe import observe

# Shares of the second term in sums and concatenations (config G).
LABEL, CONCATENATION, RESIDUAL, ATTENTION = 0.5, 0.5, 0.3, 0.3
LARGEST = 256.0
"""Activations are clipped here, so that half precision cannot overflow."""


class Draws:
    """Normal numbers for all weights, drawn at once.

    A generator for each weight would make a program that takes tens of seconds to compile.
    """

    def __init__(self, rngs: nnx.Rngs, count: int):
        self.left = jax.random.normal(rngs.params(), (count,))

    def __call__(self, *shape: int) -> Array:
        """The next numbers."""
        count = math.prod(shape)
        taken, self.left = self.left[:count], self.left[count:]
        return taken.reshape(shape)


class MPConv(nnx.Module):
    """A convolution or matrix whose outputs' weights are normalised in float32 (Eq. 47)."""

    def __init__(self, *shape: int, draws: Draws):
        self.kernel = nnx.Param(draws(*shape))

    def __call__(
        self, x: Float[Array, "b *s i"], gain: float | Float[Array, ""] = 1.0
    ) -> Float[Array, "b *s o"]:
        """Of magnitude `gain` where x has magnitude one."""
        kernel = self.kernel[...].astype(jnp.float32)
        unit = magnitude.normalise(kernel, fan_in_axes(kernel))
        scaled = (unit * (gain / math.sqrt(kernel[..., 0].size))).astype(x.dtype)
        return x @ scaled if scaled.ndim == 2 else magnitude.convolve(x, scaled)


class ResidualBlock(nnx.Module):
    """Two convolutions, modulated between them, and perhaps attention."""

    def __init__(self, spec: Block, shape: EDM2Shape, compute: Compute = PLAIN, *, draws: Draws):
        inputs, outputs = spec.inputs, spec.outputs
        self.spec, self.compute = spec, compute
        self.heads = shape.heads(outputs)
        self.emb_gain = nnx.Param(jnp.zeros(()))
        self.emb_linear = MPConv(shape.embedding, outputs, draws=draws)
        self.conv_res0 = MPConv(3, 3, inputs if spec.decodes else outputs, outputs, draws=draws)
        self.conv_res1 = MPConv(3, 3, outputs, outputs, draws=draws)
        if inputs != outputs:
            self.conv_skip = MPConv(inputs, outputs, draws=draws)
        if spec.attends:
            self.attn_qkv = MPConv(outputs, 3 * outputs, draws=draws)
            self.attn_proj = MPConv(outputs, outputs, draws=draws)

    def attend(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        """Attention over all pixels, cosine up to a factor: q, k and v have magnitude one."""
        b, h, w, c = x.shape
        per_head = self.attn_qkv(x).reshape(b, h * w, 3 * self.heads, c // self.heads)
        qkv = magnitude.normalise(per_head, (-1,)).reshape(b, h * w, 3 * c)
        attended = self_attend(qkv, self.heads, wanted=self.compute.attention)
        return self.attn_proj(attended.reshape(b, h, w, c))

    def __call__(
        self,
        x: Float[Array, "b h w i"],
        c: Float[Array, "b e"],
        drop: Callable[[Array], Array] = lambda y: y,
    ) -> Float[Array, "b h2 w2 o"]:
        """x after resampling, residual branch and attention; c is the steering vector."""
        spec = self.spec
        x = {"keep": lambda x: x, "down": magnitude.halve, "up": magnitude.double}[spec.resample](x)
        widens = spec.inputs != spec.outputs
        if not spec.decodes:
            x = magnitude.normalise(self.conv_skip(x) if widens else x, (-1,))

        y = self.conv_res0(magnitude.silu(x))
        scale = 1 + self.emb_linear(c, self.emb_gain[...])
        y = self.conv_res1(drop(magnitude.silu(y * scale[:, None, None])))
        x = magnitude.add(self.conv_skip(x) if spec.decodes and widens else x, y, RESIDUAL)
        if spec.attends:
            x = magnitude.add(x, self.attend(x), ATTENTION)
        return jnp.clip(x, -LARGEST, LARGEST)


def _blocks(
    specs: list[Block], shape: EDM2Shape, compute: Compute, draws: Draws
) -> dict[str, ResidualBlock]:
    return {spec.name: ResidualBlock(spec, shape, compute, draws=draws) for spec in specs}


class EDM2(nnx.Module):
    """(z, log_snr, tokens) -> prediction, of the shape of z."""

    keeps_float32 = True  # its weights are normalised before they are lowered

    def __init__(self, shape: EDM2Shape, compute: Compute = PLAIN, *, rngs: nnx.Rngs):
        self.shape, self.compute = shape, compute
        width, wide, values = shape.rung.width, shape.embedding, shape.patch_values
        draws = Draws(rngs, total(layers(shape)).parameters)
        self.frequencies = nnx.Param(2 * math.pi * draws(width))
        self.phases = nnx.Param(2 * math.pi * jax.random.uniform(rngs.params(), (width,)))
        self.noise = MPConv(width, wide, draws=draws)
        if shape.classes:
            self.words = nnx.Param(draws(shape.classes, wide))
        if shape.inputs.embedding_width:
            self.caption = MPConv(shape.inputs.embedding_width, wide, draws=draws)
        self.first = MPConv(3, 3, values + 1, width, draws=draws)
        self.encoder = nnx.Dict(_blocks(shape.encoder, shape, compute, draws))
        self.decoder = nnx.Dict(_blocks(shape.decoder, shape, compute, draws))
        self.last = MPConv(3, 3, width, values, draws=draws)
        self.last_gain = nnx.Param(jnp.zeros(()))

    def label(self, tokens: Num[Array, "b t *e"]) -> Float[Array, "b d"]:
        """Of magnitude one; zero for none."""
        if self.shape.inputs.embedding_width:
            given = jnp.any(tokens != 0, axis=-1, keepdims=True)
            mean = jnp.sum(tokens, axis=1) / jnp.maximum(jnp.sum(given, axis=1), 1)
            return self.caption(magnitude.normalise(mean, (-1,)))
        words = self.words[...]
        table = magnitude.normalise(words, fan_in_axes(words))
        given = (tokens > 0)[..., None]
        total = jnp.sum(jnp.where(given, table[tokens - 1], 0), axis=1)
        return total / jnp.sqrt(jnp.maximum(jnp.sum(given, axis=1), 1))

    def condition(
        self, log_snr: Float[Array, " b"], tokens: Num[Array, "b t *e"]
    ) -> Float[Array, "b d"]:
        """The vector that steers every block, after its activation."""
        # ln(sigma) / 4 with sigma the noise's over the signal's scale; the features stay as drawn.
        features = magnitude.fourier(
            -log_snr / 8,
            jax.lax.stop_gradient(self.frequencies[...]),
            jax.lax.stop_gradient(self.phases[...]),
        )
        c = self.noise(features)
        if self.shape.classes or self.shape.inputs.embedding_width:
            c = magnitude.add(c, self.label(tokens), LABEL)
        return magnitude.silu(c)

    def __call__(
        self,
        z: Float[Array, "b h w c"],
        log_snr: Float[Array, " b"],
        tokens: Num[Array, "b t *e"],
        dropout: Dropout | None = None,
    ) -> Float[Array, "b h w c"]:
        """Predict from noisy images at each example's own noise level; drop nothing if not told."""
        shape, size = self.shape, self.shape.inputs.size
        c = self.condition(log_snr, tokens).astype(z.dtype)
        x = patchify(z, shape.patch_size).reshape(-1, shape.side, shape.side, shape.patch_values)
        x = self.first(jnp.concatenate([x, jnp.ones_like(x[..., :1])], axis=-1))
        skips = [x]
        for spec in shape.encoder:
            x = self._run(self.encoder[spec.name], x, c, dropout, len(skips))
            x = observe(f"encoder {spec.name}", x)
            skips.append(x)
        for place, spec in enumerate(shape.decoder, start=len(skips)):
            if spec.joins:
                x = magnitude.concatenate(x, skips.pop(), CONCATENATION)
            x = self._run(self.decoder[spec.name], x, c, dropout, place)
            x = observe(f"decoder {spec.name}", x)
        x = self.last(x, self.last_gain[...])
        return unpatchify(x.reshape(len(z), -1, shape.patch_values), shape.patch_size, size, size)

    def _run(
        self, block: ResidualBlock, x: Array, c: Array, dropout: Dropout | None, place: int
    ) -> Array:
        graph, parameters = nnx.split(block)
        drop = (partial(dropout, place=place),) if dropout else ()
        apply = rematerialised(lambda p, x, c: nnx.merge(graph, p)(x, c, *drop), self.compute)
        return apply(parameters, x, c)
