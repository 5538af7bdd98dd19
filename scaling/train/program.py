"""The compiled training program of a cohort: a leading run axis and many steps per call."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, Float, Int

from models import ema
from models.networks.functional import after_update
from scaling import build
from scaling.build import ema_name
from scaling.config import RunConfig
from scaling.data.source import Source
from scaling.environment import compiler_options
from scaling.run_axis import for_each_run
from scaling.train import optimiser, sharding
from scaling.train.gradients import gradients
from scaling.train.losses import batches, log_variance, weighted_losses
from scaling.train.optimiser import Rates

NEVER = -1


class TrainState(NamedTuple):
    """All that a run carries from step to step; in a cohort every leaf has a leading run axis."""

    parameters: Any
    moments: Any
    averages: dict[str, Any]
    schedule: Any  # of noise levels, where training changes it
    log_variance: Any  # of the loss, where it is learned
    loss_sum: Float[Array, "*runs"]  # since the last horizon
    loss_count: Int[Array, "*runs"]
    diverged_at: Int[Array, "*runs"]  # the first step with a loss or gradient that is not finite


class Program(NamedTuple):
    """`init(seeds)` and `advance(state, seeds, rates, arrays, indices, first, count)`: states.

    `indices` [runs, K, batch] are the examples of steps first, first + 1, ..., or a tree of arrays
    [runs, K, batch, ...] that are the examples themselves; only the first `count` <= K are taken,
    so that one program serves calls of any length.
    """

    init: Any  # jitted: may be lowered and compiled ahead of time
    advance: Any

    def one_run(self, seeds: Int[np.ndarray, " runs"]) -> TrainState:
        """The shapes of one run's state, as it is saved."""
        return jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype),
            self.init.eval_shape(seeds),
        )


def make_step(
    config: RunConfig, source: Source, rate_factors: Any = None, mesh: Mesh | None = None
) -> Callable[..., TrainState]:
    """One run's training step as a pure function of (state, seed, rates, arrays, index, step).

    `rate_factors`, a tree like the parameters, multiply each one's learning rate.
    """
    draw = batches(config, source, mesh)
    of_batch = gradients(weighted_losses(config), config.train.parts)
    schedule, variance = build.schedule(config), log_variance(config)
    widths = {ema_name(w): w for w in config.train.averaged}
    settle = after_update(config.model.family)

    def step_once(
        state: TrainState,
        seed: Int[Array, ""],
        rates: Rates,
        arrays: Any,
        index: Any,
        step: Int[Array, ""],
    ) -> TrainState:
        key = jax.random.fold_in(jax.random.key(seed), step)
        drawn = draw(state.schedule, arrays, key, index)
        drawn = drawn._replace(log_variance=variance.at(state.log_variance, drawn.log_snr))
        each, gradient = of_batch(state.parameters, drawn)
        loss = jnp.mean(each)
        parameters, moments, norm = optimiser.update(
            config.train, rates, gradient, state.moments, state.parameters, step, rate_factors
        )
        parameters = settle(parameters)
        averages = ema.update_all(state.averages, parameters, step + 1.0, widths)
        bad = ~(jnp.isfinite(loss) & jnp.isfinite(norm))
        return TrainState(
            parameters,
            moments,
            averages,
            schedule.update(state.schedule, drawn.log_snr, each * drawn.density),
            variance.update(
                state.log_variance, drawn.log_snr, each, optimiser.schedule(config.train, step)
            ),
            state.loss_sum + loss,
            state.loss_count + 1,
            jnp.where(bad & (state.diverged_at == NEVER), step, state.diverged_at),
        )

    return step_once


def rates(config: RunConfig) -> Rates:
    """One run's numbers for the program, at its own size."""
    return optimiser.rates(config.train, build.learning_rate(config))


def make_program(config: RunConfig, source: Source, mesh: Mesh | None = None) -> Program:
    """The cohort's program; `config` stands for all its runs, whose `cohort_key` is the same.

    With a mesh, states come out as `sharding.of_states` has them, and batches are split.
    """
    factors = build.factors(config)
    first_parameters = build.initialiser(config, factors)
    step_once = make_step(config, source, factors.rate if factors else None, mesh)

    def init_once(seed: Int[Array, ""]) -> TrainState:
        # Folded with numbers that no step reaches, so that weights and batches never share a key.
        key = jax.random.key(seed)
        parameters = first_parameters(jax.random.fold_in(key, 2**32 - 1))
        return TrainState(
            parameters,
            optimiser.init(config.train, parameters),
            {ema_name(w): parameters for w in config.train.averaged},
            build.schedule(config).init(),
            log_variance(config).init(jax.random.fold_in(key, 2**32 - 2)),
            jnp.float32(0),
            jnp.int32(0),
            jnp.int32(NEVER),
        )

    def advance(
        state: TrainState,
        seeds: Int[Array, " runs"],
        rates: Rates,
        arrays: Any,
        indices: Any,
        first: Int[Array, ""],
        count: Int[Array, ""],
    ) -> TrainState:
        def one_run(run: tuple[TrainState, Array, Rates, Any]) -> TrainState:
            state, seed, rates, indices = run

            def body(i: Array, state: TrainState) -> TrainState:
                index = jax.tree.map(lambda each: each[i], indices)
                return step_once(state, seed, rates, arrays, index, first + i)

            return jax.lax.fori_loop(0, count, body, state)

        return for_each_run(one_run, (state, seeds, rates, indices), mesh)

    options: dict[str, Any] = {"compiler_options": compiler_options()}
    init = jax.vmap(init_once)
    if mesh is not None:
        states = jax.eval_shape(init, jax.ShapeDtypeStruct((mesh.shape["run"],), jnp.int32))
        options["out_shardings"] = sharding.of_states(mesh, states)
    return Program(jax.jit(init, **options), jax.jit(advance, donate_argnums=0, **options))
