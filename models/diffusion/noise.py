"""Standard normal noise in the shape of images."""

import math

import jax
from jaxtyping import Array, Float, PRNGKeyArray


def standard_normal(
    key: PRNGKeyArray, shape: tuple[int, ...], *, batch: bool = False
) -> Float[Array, "*shape"]:
    """`jax.random.normal(key, shape)` bit for bit, drawn along a row in half of XLA's time on CPU.

    The shape is of one image, or with `batch` of several: then a row each, so that devices may
    share them.
    """
    lead = shape[:1] if batch else ()
    rows = jax.random.normal(key, (*lead, math.prod(shape[len(lead) :])))
    return jax.lax.optimization_barrier(rows).reshape(shape)  # or XLA draws in the shape again
