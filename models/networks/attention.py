"""Softmax attention by the fastest implementation that the device and the numbers allow."""

import re
from typing import Any, Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from models.compute import Attention


def capability(device: Any) -> str:
    """Compute capability of an NVIDIA GPU, as "9.0"; "" for any other device."""
    named = str(getattr(device, "compute_capability", ""))
    return named if re.fullmatch(r"\d+\.\d+", named) else ""  # an AMD GPU's is "gfx90a"


def obstacle(gpu: str, precision: str, head_width: int) -> str:
    """What keeps cuDNN's fused attention from computing this, or ""; `gpu`: see `capability`.

    The conditions are those of jax's `cudnn_dot_product_attention`.
    """
    if not gpu:
        return "this device is not an NVIDIA GPU"
    major = int(gpu.partition(".")[0])
    if major < 8:
        return f"a GPU of compute capability {gpu} is older than 8.0"
    if precision not in ("bfloat16", "float16"):
        return f"it computes in bfloat16 or float16, not {precision}"
    widest = 256 if major >= 9 else 128
    if head_width % 8 or head_width > widest:
        return f"its heads are multiples of 8 up to {widest} channels wide, not {head_width}"
    return ""


def implementation(wanted: Attention, hindrance: str) -> Literal["xla", "cudnn"]:
    """The implementation to use; ValueError where cuDNN's is demanded and cannot be had."""
    if wanted == "cudnn" and hindrance:
        raise ValueError(f"attention by cuDNN cannot be had here: {hindrance}")
    return "xla" if wanted == "xla" or hindrance else "cudnn"


def attend(
    q: Float[Array, "b n d"],
    k: Float[Array, "b m d"],
    v: Float[Array, "b m d"],
    heads: int,
    *,
    lengths: Int[Array, " b"] | None = None,
    wanted: Attention = "auto",
) -> Float[Array, "b n d"]:
    """Each of n queries over the first `lengths` (at least 1) of m keys, or over all of them.

    Padding stands behind what is attended, since a length costs cuDNN nothing where a mask costs
    it an array of n m numbers for each head.
    """
    batch, _, width = q.shape
    hindrance = obstacle(capability(jax.devices()[0]), q.dtype.name, width // heads)
    q, k, v = (part.reshape(batch, -1, heads, width // heads) for part in (q, k, v))
    out = jax.nn.dot_product_attention(
        q,
        k,
        v,
        key_value_seq_lengths=None if lengths is None else lengths.astype(jnp.int32),
        implementation=implementation(wanted, hindrance),
    )
    return out.reshape(batch, -1, width)


def self_attend(
    qkv: Float[Array, "b n _"],
    heads: int,
    *,
    lengths: Int[Array, " b"] | None = None,
    wanted: Attention = "auto",
) -> Float[Array, "b n d"]:
    """Attention among n tokens, from their queries, keys and values side by side."""
    # `split` and not slices, whose gradients are padded and added: a tenth of a small model's step.
    q, k, v = jnp.split(qkv, 3, axis=-1)
    return attend(q, k, v, heads, lengths=lengths, wanted=wanted)
