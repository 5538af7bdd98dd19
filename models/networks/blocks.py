"""A stack of equal blocks whose parameters have a leading axis of depth."""

from collections.abc import Callable
from typing import Any

import jax
from flax import nnx
from jaxtyping import Array

from models.compute import Compute
from models.networks.observe import observe, observed

UNROLL_UP_TO = 8
"""Deepest stack that is unrolled: on a CPU a loop costs time, and compiles faster only beyond."""

KEPT: dict[str, Callable[..., Any] | None] = {
    "all": None,
    "all_but_products": jax.checkpoint_policies.dots_with_no_batch_dims_saveable,
}


def rematerialised(function: Callable[..., Any], compute: Compute) -> Callable[..., Any]:
    """`function`, whose backward pass computes again what `compute` says."""
    if compute.rematerialise == "nothing":
        return function
    return jax.checkpoint(function, policy=KEPT[compute.rematerialise])


def stack(depth: int, make: Callable[[nnx.Rngs], nnx.Module], rngs: nnx.Rngs) -> nnx.Module:
    """`depth` blocks as one module of stacked parameters, each with random numbers of its own."""
    return nnx.split_rngs(splits=depth)(nnx.vmap(make))(rngs)


def run(blocks: nnx.Module, depth: int, x: Array, *conditions: Any, compute: Compute) -> Array:
    """x through all blocks, one after another, each called with (x, *conditions)."""
    graph, stacked = nnx.split(blocks)

    def block(x: Array, parameters: Any) -> tuple[Array, None]:
        y = nnx.merge(graph, parameters)(x, *conditions)
        return y if compute.update_scale == 1 else x + compute.update_scale * (y - x), None

    if observed():
        for i in range(depth):
            x = observe(f"block {i}", block(x, jax.tree.map(lambda leaf, i=i: leaf[i], stacked))[0])
        return x
    unroll = depth if depth <= UNROLL_UP_TO else 1
    return jax.lax.scan(rematerialised(block, compute), x, stacked, unroll=unroll)[0]
