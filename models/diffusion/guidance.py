"""Guidance: networks made of networks."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from models.diffusion.predictions import Network


def classifier_free(network: Network, scale: float) -> Network:
    """Prediction without the caption plus `scale` times what the caption adds (arXiv 2207.12598).

    Scale 1 is the conditional network itself, 0 the unconditional one. The empty caption is all
    padding (token 0).
    """
    if scale == 1.0:
        return network

    def guided(
        z: Float[Array, "b h w c"], log_snr: Float[Array, " b"], tokens: Int[Array, "b t"]
    ) -> Float[Array, "b h w c"]:
        both = network(
            jnp.concatenate([z, z]),
            jnp.concatenate([log_snr, log_snr]),
            jnp.concatenate([tokens, jnp.zeros_like(tokens)]),
        )
        conditional, unconditional = jnp.split(both, 2)
        return unconditional + scale * (conditional - unconditional)

    return guided
