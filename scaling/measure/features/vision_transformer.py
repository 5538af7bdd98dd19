"""A vision transformer (Dosovitskiy et al. 2021) whose class token is the image's features.

What distinguishes one from another is a row of literals, and which parameters there are: biases,
a norm before the blocks, layer scales (Touvron et al. 2021), a projection at the end.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from models.networks.functional import Parameters
from models.networks.layout import Entries, Entry

EXPANSION = 4  # the width of the MLP over that of the tokens


class Tower(NamedTuple):
    """The size of one, and what its parameters do not tell."""

    width: int
    depth: int
    heads: int
    patch: int
    pixels: int
    activation: Callable[[Array], Array]
    epsilon: float
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]


class TextTower(NamedTuple):
    """The size of one whose tokens are words; its blocks are the same."""

    width: int
    depth: int
    heads: int
    activation: Callable[[Array], Array]
    epsilon: float = 1e-5
    context: int = 77
    vocabulary: int = 49408


gelu = partial(jax.nn.gelu, approximate=False)


def quick_gelu(x: Array) -> Array:
    """x sigmoid(1.702 x), eq. (2) of Hendrycks & Gimpel 2016."""
    return x * jax.nn.sigmoid(1.702 * x)


def norm_entries(public: str, name: str, width: int, block: int | None = None) -> Entries:
    """A layer norm's two arrays."""
    path = (name,) if block is None else ("blocks", name)
    return {
        f"{public}.weight": Entry((width,), (*path, "scale"), block),
        f"{public}.bias": Entry((width,), (*path, "bias"), block),
    }


def forward(
    parameters: Parameters, pixels: Float[Array, "n s s 3"], tower: Tower
) -> tuple[Float[Array, "n d"]]:
    """Features of pixels in 0..255."""
    x = (pixels / 255 - np.array(tower.mean)) / np.array(tower.deviation)
    x = linear(parameters["patch"], patches(x, tower.patch))
    first = jnp.broadcast_to(parameters["class"], (len(x), 1, tower.width))
    x = jnp.concatenate([first, x], axis=1) + parameters["positions"]
    if "norm_before" in parameters:
        x = norm(parameters["norm_before"], x, tower.epsilon)
    x = stacked(parameters["blocks"], x, tower)
    x = norm(parameters["norm"], x[:, 0], tower.epsilon)
    return (linear(parameters["project"], x) if "project" in parameters else x,)


def stacked(
    blocks: Parameters, x: Float[Array, "n t d"], tower: Tower | TextTower, *, causal: bool = False
) -> Float[Array, "n t d"]:
    """One block after another; `causal`: no token sees those behind it."""

    def step(x: Array, of_block: Parameters) -> tuple[Array, None]:
        return block(of_block, x, tower, causal=causal), None

    return jax.lax.scan(step, x, blocks)[0]


def block(
    p: Parameters, x: Float[Array, "n t d"], tower: Tower | TextTower, *, causal: bool = False
) -> Float[Array, "n t d"]:
    """x + attention(norm(x)), then x + MLP(norm(x)); each branch scaled where there are scales."""
    inside = attention(p, norm(p["norm_1"], x, tower.epsilon), tower.heads, causal=causal)
    x = x + inside * p.get("scale_1", 1.0)
    inside = linear(p["expand"], norm(p["norm_2"], x, tower.epsilon))
    return x + linear(p["contract"], tower.activation(inside)) * p.get("scale_2", 1.0)


def attention(
    p: Parameters, x: Float[Array, "n t d"], heads: int, *, causal: bool = False
) -> Float[Array, "n t d"]:
    """softmax(q k / sqrt(width of a head)) v of every head (Vaswani et al. 2017, eq. 1)."""
    n, t, d = x.shape
    q, k, v = jnp.moveaxis(linear(p["qkv"], x).reshape(n, t, 3, heads, d // heads), 2, 0)
    products = jnp.einsum("nqhc,nkhc->nhqk", q, k) / np.sqrt(d // heads)
    if causal:
        products = jnp.where(np.tri(t, dtype=bool), products, -jnp.inf)
    weights = jax.nn.softmax(products, axis=-1)
    return linear(p["out"], jnp.einsum("nhqk,nkhc->nqhc", weights, v).reshape(n, t, d))


def patches(x: Float[Array, "n s s c"], side: int) -> Float[Array, "n t values"]:
    """Squares of pixels, row by row, each flat in the order (row, column, channel)."""
    n, s, _, c = x.shape
    cut = x.reshape(n, s // side, side, s // side, side, c).swapaxes(2, 3)
    return cut.reshape(n, -1, side * side * c)


def linear(p: dict[str, Any], x: Array) -> Array:
    """With a bias if there is one."""
    return x @ p["kernel"] + p.get("bias", 0.0)


def norm(p: dict[str, Any], x: Array, epsilon: float) -> Array:
    """Layer norm (Ba et al. 2016, eq. 4)."""
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred**2).mean(axis=-1, keepdims=True)
    return centred / jnp.sqrt(variance + epsilon) * p["scale"] + p["bias"]
