"""A network as two pure functions of a plain dictionary of arrays.

The module is split once; afterwards nothing of nnx runs but while a program is traced.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array

from models.compute import PLAIN, Compute
from models.families import FAMILIES
from models.family import Shape
from models.networks.observe import observing

Parameters = dict[str, Any]


@dataclass(frozen=True)
class Functional:
    """`init(key) -> parameters` and `apply(parameters, z, log_snr, tokens) -> prediction`.

    Keywords are passed on to the network: what its family knows in training alone.
    """

    init: Callable[[jax.Array], Parameters]
    apply: Callable[..., jax.Array]

    def probe(self, *inputs: Any) -> dict[str, jax.Array]:
        """What `apply` computes of these arguments after each block, and its prediction."""
        with observing() as seen:
            return {"prediction": self.apply(*inputs)} | seen


def _imported(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


def after_update(family: str) -> Callable[[Parameters], Parameters]:
    """What training applies to parameters after each update; nothing for most families."""
    place = FAMILIES[family].after_update
    return _imported(place) if place else lambda parameters: parameters


def functional(family: str, shape: Shape, compute: Compute = PLAIN) -> Functional:
    """The network of this family and shape as pure functions; KeyError for an unknown family.

    Parameters and the prediction are float32 whatever the precision of what lies between.
    """
    build = _imported(FAMILIES[family].network)
    graph, abstract = nnx.split(nnx.eval_shape(lambda: build(shape, compute, rngs=nnx.Rngs(0))))
    inner = jnp.dtype(compute.precision)
    keeps = getattr(build, "keeps_float32", False)  # it lowers its weights itself

    def lowered(leaf: Array) -> Array:
        return leaf.astype(inner) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf

    def init(key: jax.Array) -> Parameters:
        return nnx.to_pure_dict(nnx.state(build(shape, compute, rngs=nnx.Rngs(key))))

    def apply(
        parameters: Parameters, z: Array, log_snr: Array, tokens: Array, **training: Any
    ) -> jax.Array:
        state = jax.tree.map(lambda leaf: leaf, abstract)
        given = parameters if keeps else jax.tree.map(lowered, parameters)
        nnx.replace_by_pure_dict(state, given)
        predict = nnx.merge(graph, state)
        return predict(lowered(z), log_snr, lowered(tokens), **training).astype(z.dtype)

    return Functional(init, apply)
