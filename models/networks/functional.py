"""A network as two pure functions of a plain dictionary of arrays.

The module is split once; afterwards nothing of nnx runs but while a program is traced.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
from flax import nnx

from models.networks.dit import DiT, DiTShape

Parameters = dict[str, Any]

FAMILIES: dict[str, Callable[..., nnx.Module]] = {"dit": DiT}


@dataclass(frozen=True)
class Functional:
    """`init(key) -> parameters` and `apply(parameters, z, log_snr, tokens) -> prediction`."""

    init: Callable[[jax.Array], Parameters]
    apply: Callable[..., jax.Array]


def functional(family: str, shape: DiTShape) -> Functional:
    """The network of this family and shape as pure functions; KeyError for an unknown family."""
    build = FAMILIES[family]
    graph, abstract = nnx.split(nnx.eval_shape(lambda: build(shape, rngs=nnx.Rngs(0))))

    def init(key: jax.Array) -> Parameters:
        return nnx.to_pure_dict(nnx.state(build(shape, rngs=nnx.Rngs(key))))

    def apply(parameters: Parameters, *inputs: jax.Array) -> jax.Array:
        state = jax.tree.map(lambda leaf: leaf, abstract)
        nnx.replace_by_pure_dict(state, parameters)
        return nnx.merge(graph, state)(*inputs)

    return Functional(init, apply)
