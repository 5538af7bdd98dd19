"""AdamW with clipping and a learning-rate schedule, whose numbers may differ between runs."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from scaling.config import TrainConfig


class Rates(NamedTuple):
    """The numbers of an optimiser that enter the program as data, one per run."""

    learning_rate: Float[Array, "*runs"]
    weight_decay: Float[Array, "*runs"]
    gradient_clip: Float[Array, "*runs"]


def rates(config: TrainConfig, learning_rate: float) -> Rates:
    """One run's numbers, with the peak rate at its own size."""
    return Rates(
        jnp.float32(learning_rate),
        jnp.float32(config.weight_decay),
        jnp.float32(config.gradient_clip),
    )


def schedule(config: TrainConfig, step: Int[Array, ""]) -> Float[Array, ""]:
    """The rate's share of its peak at a step counted from zero: rise, hold and, if asked, fall.

    Rises over ceil(warmup_fraction steps) updates, the first of which is not idle; with
    "warmup_stable_decay" falls linearly to zero over the last decay_fraction of the steps, with
    "inverse_sqrt" as 1 / sqrt(max(step / reference_steps, 1)), times the rise, as
    EDM2's released code (arXiv 2312.02696).
    """
    updates = step.astype(jnp.float32) + 1.0
    warmup = max(config.warmup_fraction * config.steps, 1.0)
    share = jnp.minimum(updates / warmup, 1.0)
    if config.schedule == "warmup_stable_decay":
        left = (config.steps - step) / (config.decay_fraction * config.steps)
        share = jnp.minimum(share, left)
    if config.reference_steps is not None:
        share = share / jnp.sqrt(jnp.maximum(step / config.reference_steps, 1.0))
    return share


def _adam(config: TrainConfig) -> optax.GradientTransformation:
    return optax.scale_by_adam(b1=config.beta1, b2=config.beta2)


def init(config: TrainConfig, parameters: Any) -> optax.OptState:
    """Adam's moments, zero."""
    return _adam(config).init(parameters)


def update(
    config: TrainConfig,
    numbers: Rates,
    gradients: Any,
    state: optax.OptState,
    parameters: Any,
    step: Int[Array, ""],
    factors: Any = None,
) -> tuple[Any, optax.OptState, Float[Array, ""]]:
    """One AdamW step (arXiv 1711.05101): new parameters, new moments, and the gradient's norm.

    The gradient is scaled down to `gradient_clip` where its global norm is larger. Weight decay is
    multiplied by the current rate and falls on matrices only ("kernel" leaves). `factors`, a tree
    like the parameters, multiply each one's rate and not its decay.
    """
    norm = optax.tree.norm(gradients)
    scale = jnp.minimum(1.0, numbers.gradient_clip / jnp.maximum(norm, 1e-12))
    direction, state = _adam(config).update(jax.tree.map(lambda g: g * scale, gradients), state)
    rate = numbers.learning_rate * schedule(config, step)

    def move(path: tuple[Any, ...], p: Array, u: Array) -> Array:
        decays = getattr(path[-1], "key", None) == "kernel"
        return p - rate * (u + numbers.weight_decay * p if decays else u)

    if factors is not None:
        direction = jax.tree.map(lambda u, factor: factor * u, direction, factors)
    return jax.tree_util.tree_map_with_path(move, parameters, direction), state, norm
