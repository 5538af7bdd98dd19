"""Dropout in training (Srivastava et al. 2014): in each block, before its second convolution.

The released code (github.com/NVlabs/edm2) has a share of 0 for sizes XXS to S, 0.1 from M on.
"""

import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, PRNGKeyArray


@dataclass(frozen=True, kw_only=True)
class Dropout:
    """Zeroes this share of numbers; each example has its own key, however a batch is divided."""

    share: float
    keys: Key[Array, " b"]

    def __call__(self, x: Float[Array, "b *s"], place: int) -> Float[Array, "b *s"]:
        """x at this place of the network, what is left of it scaled so that its mean stays."""
        kept, shape = 1 - self.share, x.shape[1:]

        def row(key: PRNGKeyArray) -> Array:
            return jax.random.bernoulli(jax.random.fold_in(key, place), kept, (math.prod(shape),))

        # Drawn along a row, which XLA does faster on a CPU (models/diffusion/noise.py).
        mask = jax.lax.optimization_barrier(jax.vmap(row)(self.keys)).reshape(x.shape)
        return jnp.where(mask, x / kept, 0)
