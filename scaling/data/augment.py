"""Random changes of a training batch that leave its captions true, cheap enough for every step."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, UInt8

from scaling.config.data import AugmentConfig

WHITE = 255  # the background of every emoji

# NTSC's luma and two chroma axes (FCC 1953): turning the chroma plane keeps brightness and greys.
RGB_TO_YIQ = np.array(
    [[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]], np.float32
)
RGB_TO_YIQ[1:] -= RGB_TO_YIQ[1:].mean(axis=1, keepdims=True)  # greys have no chroma, exactly
YIQ_TO_RGB = np.linalg.inv(RGB_TO_YIQ.astype(np.float64)).astype(np.float32)


def place(
    images: UInt8[Array, "n h w c"],
    index: Int[Array, " b"],
    mirror: Bool[Array, " b"],
    shift: Int[Array, "b 2"],
) -> UInt8[Array, "b h w c"]:
    """Images by index, mirrored, then moved down and right by `shift` over a white ground."""
    height, width = images.shape[1:3]
    y = jnp.arange(height) - shift[:, :1]
    x = jnp.arange(width) - shift[:, 1:]
    inside = ((y >= 0) & (y < height))[:, :, None] & ((x >= 0) & (x < width))[:, None, :]
    x = jnp.where(mirror[:, None], width - 1 - x, x)
    moved = images.at[index[:, None, None], y[:, :, None], x[:, None, :]].get(mode="clip")
    return jnp.where(inside[..., None], moved, jnp.uint8(WHITE))


def to_float(images: UInt8[Array, "*s"]) -> Float[Array, "*s"]:
    """0..255 to -1..1."""
    return images.astype(jnp.float32) / 127.5 - 1


def turn_hue(images: Float[Array, "b h w 3"], turns: Float[Array, " b"]) -> Float[Array, "b h w 3"]:
    """Chroma rotated by so many turns in YIQ, and clipped to [-1, 1]."""
    cos, sin = jnp.cos(2 * jnp.pi * turns), jnp.sin(2 * jnp.pi * turns)
    zero, one = jnp.zeros_like(turns), jnp.ones_like(turns)
    rotation = jnp.stack([one, zero, zero, zero, cos, -sin, zero, sin, cos], -1).reshape(-1, 3, 3)
    turned = jnp.einsum(
        "bhwc,ic,bji,dj->bhwd", images, RGB_TO_YIQ, rotation, YIQ_TO_RGB, precision="highest"
    )
    return jnp.clip(turned, -1, 1)


def augment(
    images: UInt8[Array, "n h w c"],
    index: Int[Array, " b"],
    may_flip: Bool[Array, " n"],
    may_turn: Bool[Array, " n"],
    *,
    key: Array,
    config: AugmentConfig,
) -> Float[Array, "b h w c"]:
    """The images `index`, changed at random as far as each one's permissions go, in [-1, 1]."""
    flip, down, right, hue = jax.random.uniform(key, (4, len(index)))
    mirror = (flip < 0.5) & may_flip[index] & config.flip
    shift = jnp.stack([down, right], -1) * (2 * config.shift + 1)
    placed = to_float(place(images, index, mirror, shift.astype(jnp.int32) - config.shift))
    if config.hue == 0:
        return placed
    return turn_hue(placed, (2 * hue - 1) * config.hue * may_turn[index])
