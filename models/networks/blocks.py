"""A stack of equal blocks whose parameters have a leading axis of depth."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array

from models.compute import Compute
from models.networks.observe import observe, observed

UNROLL_UP_TO = 5
"""Deepest stack that is unrolled: a loop costs small models a fifth of a step on a CPU, large ones
next to nothing, and compiles in half the time."""


def _is_product_with_weights(primitive: Any, *inputs: Any, **parameters: Any) -> Any:
    """Whether a result is a matrix product's or a convolution's; not attention's, among images."""
    is_matrix_product = jax.checkpoint_policies.dots_with_no_batch_dims_saveable
    return primitive is jax.lax.conv_general_dilated_p or is_matrix_product(
        primitive, *inputs, **parameters
    )


KEPT: dict[str, Callable[..., Any] | None] = {
    "all": None,
    "all_but_products": _is_product_with_weights,
}


def rematerialised(function: Callable[..., Any], compute: Compute) -> Callable[..., Any]:
    """`function`, whose backward pass computes again what `compute` says."""
    if compute.rematerialise == "nothing":
        return function
    return jax.checkpoint(function, policy=KEPT[compute.rematerialise])


def stack(depth: int, make: Callable[[nnx.Rngs], nnx.Module], rngs: nnx.Rngs) -> nnx.Module:
    """`depth` blocks as one module of stacked parameters, each with random numbers of its own."""
    return nnx.split_rngs(splits=depth)(nnx.vmap(make))(rngs)


def scan(
    name: str,
    body: Callable[[Array, Any], tuple[Array, Any]],
    x: Array,
    stacked: Any,
    compute: Compute,
    *,
    unroll: bool,
    reverse: bool = False,
) -> tuple[Array, Any]:
    """`jax.lax.scan`, whose every x may be observed, under `name` and its place in the stack."""
    if not observed():
        again = rematerialised(body, compute)
        return jax.lax.scan(again, x, stacked, reverse=reverse, unroll=True if unroll else 1)

    depth, outs = len(jax.tree.leaves(stacked)[0]), {}
    for i in reversed(range(depth)) if reverse else range(depth):
        x, outs[i] = body(x, jax.tree.map(lambda leaf, i=i: leaf[i], stacked))
        observe(f"{name} {i}", x)
    return x, jax.tree.map(lambda *each: jnp.stack(each), *(outs[i] for i in range(depth)))


def run(blocks: nnx.Module, depth: int, x: Array, *conditions: Any, compute: Compute) -> Array:
    """x through all blocks, one after another, each called with (x, *conditions)."""
    graph, stacked = nnx.split(blocks)

    def block(x: Array, parameters: Any) -> tuple[Array, None]:
        return nnx.merge(graph, parameters)(x, *conditions), None

    return scan("block", block, x, stacked, compute, unroll=depth <= UNROLL_UP_TO)[0]
