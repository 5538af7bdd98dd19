"""What a cohort goes on from: the newest step of which every run has a sound checkpoint."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Int32

from scaling import attempt, group
from scaling.attempt import Member
from scaling.train import sharding
from scaling.train.program import Program, TrainState


class Resumed(NamedTuple):
    """The step, the state of all runs there, and what was unusual about it."""

    step: int
    state: TrainState
    notices: list[str]


def resume(
    members: Sequence[Member], program: Program, mesh: Mesh, seeds: Int32[np.ndarray, " runs"]
) -> Resumed:
    """Read the newest state that every run can go on from; make the first one if there is none.

    What cannot be read is passed over for an older one, which is said; without an older one, or
    with several processes, the error is raised.
    """
    notices: list[str] = []
    steps: list[int] = group.told_by_first(attempt.resume_steps(members))
    for step, older in zip_longest(steps, steps[1:]):
        try:
            states = _load(members, step, program, mesh, seeds)
        except (OSError, ValueError) as error:
            if older is None or not group.alone():
                raise
            notices.append(f"goes on from step {older}, as that of {step} cannot be read: {error}")
            continue
        if len(np.unique([group.to_host(state.loss_count) for state in states])) == 1:
            return Resumed(step, _together(states, program, mesh, seeds), notices)
        # Else it was cut off between saving runs before and after a measurement at this step.
    return Resumed(0, program.init(seeds), notices)


def _load(
    members: Sequence[Member], step: int, program: Program, mesh: Mesh, seeds: np.ndarray
) -> list[TrainState]:
    like = program.one_run(seeds)
    if mesh.size > 1:  # each device reads its own part
        like = jax.tree.map(_placed, like, sharding.of_one(mesh, like))
    return [attempt.load_state(member, step, like) for member in members]


def _placed(leaf: Any, place: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=place)


def _together(
    states: Sequence[TrainState], program: Program, mesh: Mesh, seeds: np.ndarray
) -> TrainState:
    if mesh.size == 1:
        return jax.device_put(stack(states), sharding.per_run(mesh))
    places = sharding.of_states(mesh, program.init.eval_shape(seeds))

    def stacked(*states: Any) -> Any:
        return jax.tree.map(lambda *leaves: jnp.stack(leaves), *states)

    return jax.jit(stacked, out_shardings=places)(*states)


def stack(states: Sequence[Any]) -> Any:
    """Trees of arrays with a leading run axis, on the host."""
    return jax.tree.map(lambda *leaves: np.stack(leaves), *states)
