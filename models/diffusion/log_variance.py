"""The log-variance u(lambda) of the loss, learned beside the network (EDM2, arXiv 2312.02696).

With err the weighted squared error of an example, training minimises (Eq. 21)

    err / exp(u(lambda)) + u(lambda),    least at u(lambda) = log E[err | lambda]:

every level then counts by the inverse of what is left of its error, and the factor in err cancels.
The network's gradient is that of err / exp(u) with u held, and u's is that with err held, so one
forward pass serves both. After training u is thrown away.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from models.networks.edm2.magnitude import fourier, normalise

Levels = Float[Array, " b"]


@dataclass(frozen=True)
class LogVariance:
    """`at(state, log_snr)` is u, None where it is not learned.

    `update(state, log_snr, err, share)` learns from a batch at that share of the peak rate.
    """

    init: Callable[[PRNGKeyArray], Any]
    at: Callable[[Any, Levels], Levels | None]
    update: Callable[[Any, Levels, Levels, Float[Array, ""]], Any]


def none() -> LogVariance:
    """Errors count as they are weighted."""
    return LogVariance(lambda _: {}, lambda *_: None, lambda state, *_: state)


def learned(*, channels: int, learning_rate: float, beta1: float, beta2: float) -> LogVariance:
    """u(lambda) = w . features(ln(sigma) / 4), random cosines as in EDM2's network, and |w| = 1.

    Adam moves w, which is normalised after each step as the network's weights are (Eq. 66). Its
    length bounds |u|: with 128 channels by some 11 at one level, and where u is the same for all
    lambda in [-10, 10] by some 4; both grow as the root of the channels.
    """
    adam = optax.scale_by_adam(b1=beta1, b2=beta2)

    def init(key: PRNGKeyArray) -> dict[str, Any]:
        of_weights, of_frequencies, of_phases = jax.random.split(key, 3)
        weights = normalise(jax.random.normal(of_weights, (channels,)), (0,))
        return {
            "weights": weights,
            "frequencies": 2 * math.pi * jax.random.normal(of_frequencies, (channels,)),
            "phases": 2 * math.pi * jax.random.uniform(of_phases, (channels,)),
            "moments": adam.init(weights),
        }

    def of_weights(weights: Float[Array, " c"], state: dict[str, Any], log_snr: Levels) -> Levels:
        features = fourier(-log_snr / 8, state["frequencies"], state["phases"])
        return jnp.sum(features * normalise(weights, (0,)), axis=-1) / math.sqrt(channels)

    def at(state: dict[str, Any], log_snr: Levels) -> Levels:
        return of_weights(state["weights"], state, log_snr)

    def update(
        state: dict[str, Any], log_snr: Levels, err: Levels, share: Float[Array, ""]
    ) -> dict[str, Any]:
        def loss(weights: Float[Array, " c"]) -> Float[Array, ""]:
            u = of_weights(weights, state, log_snr)
            return jnp.mean(err * jnp.exp(-u) + u)

        gradient = jax.grad(loss)(state["weights"])
        direction, moments = adam.update(gradient, state["moments"])
        weights = optax.tree.add_scale(state["weights"], -share * learning_rate, direction)
        return {**state, "weights": normalise(weights, (0,)), "moments": moments}

    return LogVariance(init, at, update)
