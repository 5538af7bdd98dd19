"""Densities that are constant within bins: the form of those that training finds for itself."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from models.diffusion.densities.density import Density


def tabulated(edges: Float[Array, " edges"], mass: Float[Array, " bins"]) -> Density:
    """Piecewise constant between rising `edges`; `mass` [bins] is scaled to sum to one.

    On jax arrays, traced ones too. A bin without mass is never drawn.
    """
    share = mass / jnp.sum(mass)
    height = share / jnp.diff(edges)
    cumulated = jnp.concatenate([jnp.zeros(1), jnp.cumsum(share)])
    cumulated = cumulated / cumulated[-1]

    def pdf(x: Float[Array, "*s"]) -> Float[Array, "*s"]:
        inside = (x >= edges[0]) & (x <= edges[-1])
        return jnp.where(inside, height[bin_of(edges, x)], 0.0)

    return Density(
        pdf=pdf,
        cdf=lambda x: jnp.interp(x, edges, cumulated),
        quantile=lambda u: jnp.interp(u, cumulated, edges),
        low=float("-inf"),
        high=float("inf"),
    )


def bin_of(edges: Float[Array, " edges"], x: Float[Array, "*s"]) -> Array:
    """The index of the bin that each value lies in; the last bin holds its upper edge."""
    return jnp.clip(jnp.searchsorted(edges, x, side="right") - 1, 0, len(edges) - 2)
