"""A cohort: runs that share one compiled program, and their state on the devices."""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from scaling import attempt, build, snapshots
from scaling.attempt import Member
from scaling.config import RunConfig
from scaling.costs import costs
from scaling.data.order import batch_indices
from scaling.data.source import Source, load
from scaling.mesh import devices_to_hold
from scaling.train import sharding
from scaling.train.program import TrainState, make_program
from scaling.train.program import rates as rates_of


@dataclass(frozen=True, kw_only=True)
class Execution:
    """How a cohort is computed; no result depends on it."""

    steps_per_call: int = 50
    fsdp: int | Literal["auto"] = "auto"
    checkpoint_seconds: float = 60.0
    compilation_cache: Path | None = None


@dataclass
class Clock:
    """Seconds spent, by phase."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        """Add the time of a `with` block to a phase."""
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - start
            self.seconds[phase] = self.seconds.get(phase, 0.0) + spent


def _mesh(config: RunConfig, runs: int, fsdp: int | Literal["auto"]) -> Mesh:
    if fsdp == "auto":
        usable = math.gcd(jax.device_count(), config.train.batch_size)
        state = float(costs(config).state_bytes)
        fsdp = devices_to_hold(state, sharding.device_bytes(), usable)
    return sharding.make_mesh(runs, config.train.batch_size, fsdp=fsdp)


def _stack(states: Sequence[Any]) -> Any:
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *states)


def _slice(state: Any, run: int) -> Any:
    return jax.tree.map(lambda leaf: leaf[run], state)


class Cohort:
    """A cohort's compiled programs and its state on the device."""

    def __init__(self, members: Sequence[Member], execution: Execution, clock: Clock):
        self.members, self.execution, self.clock = members, execution, clock
        self.config: RunConfig = members[0].config
        with clock("setup"):
            self.source: Source = load(self.config.data)
            self.mesh = _mesh(self.config, len(members), execution.fsdp)
            on_runs = sharding.per_run(self.mesh)
            self.seeds = np.array([m.config.seed for m in members], np.int32)
            rates = _stack([rates_of(m.config) for m in members])
            self.rates = jax.device_put(rates, on_runs)
            self.arrays = jax.device_put(self.source.arrays, sharding.replicated(self.mesh))
            self.step = attempt.resume_step(members)
            self.program = make_program(self.config, self.source, self.mesh)
            self.state = self._first_state()
        with clock("compile"):
            calls = (self._indices(0, execution.steps_per_call), np.int32(0), np.int32(0))
            arguments = (self.state, self.seeds, self.rates, self.arrays, *calls)
            self.advance_compiled = self.program.advance.lower(*arguments).compile()

    def first_parameters(self) -> Any:
        """Every run's parameters before training, made again."""
        return self.program.init(self.seeds).parameters

    def _first_state(self) -> TrainState:
        if self.step == 0:
            return self.program.init(self.seeds)
        like = self.program.one_run(self.seeds)
        states = _stack([attempt.load_state(m, self.step, like) for m in self.members])
        return jax.device_put(states, sharding.of_states(self.mesh, states))

    def _indices(self, first: int, count: int) -> jax.Array:
        """[runs, steps_per_call, batch], zero beyond `count`."""
        size, examples = self.config.train.batch_size, self.source.examples
        k = self.execution.steps_per_call
        indices = np.zeros((len(self.seeds), k, size), np.int32)
        if examples is not None:
            for run, seed in enumerate(self.seeds):
                indices[run, :count] = batch_indices(int(seed), first, count, size, examples)
        return jax.device_put(indices, sharding.per_example(self.mesh))

    def advance(self, stop: int) -> None:
        """Train up to, not including, step `stop`, at most `steps_per_call` further on."""
        count = stop - self.step
        indices = self._indices(self.step, count)
        self.state = self.advance_compiled(
            self.state,
            self.seeds,
            self.rates,
            self.arrays,
            indices,
            np.int32(self.step),
            np.int32(count),
        )
        self.step = stop

    @property
    def diverged_at(self) -> np.ndarray:
        """For each run the first step that was not finite, or `NEVER`."""
        return np.asarray(self.state.diverged_at)

    def mean_loss(self) -> np.ndarray:
        """For each run the mean training loss since the last horizon."""
        counts = np.maximum(np.asarray(self.state.loss_count), 1)
        return np.asarray(self.state.loss_sum, np.float64) / counts

    @property
    def measured(self) -> bool:
        """Whether nothing was trained since the last measurement (true of the first step, too)."""
        return not np.asarray(self.state.loss_count).any()

    def shown_loss(self) -> float | None:
        """The cohort's mean training loss since the last horizon, if there is a finite one."""
        loss = float(np.mean(self.mean_loss()))
        return loss if math.isfinite(loss) and np.asarray(self.state.loss_count).all() else None

    def forget_loss(self) -> None:
        """Start the mean training loss afresh."""
        self.state = self.state._replace(
            loss_sum=jnp.zeros_like(self.state.loss_sum),
            loss_count=jnp.zeros_like(self.state.loss_count),
        )

    def save(self) -> None:
        """A checkpoint of every run, also of diverged ones: a cohort resumes where all have one."""
        host = jax.device_get(self.state)
        for run, member in enumerate(self.members):
            attempt.save_state(member, self.step, _slice(host, run))

    def save_snapshot(self) -> None:
        """Every run's averages of the stored widths; if stored before, the same bits again."""
        names = map(build.ema_name, self.config.train.snapshots.widths)
        host = jax.device_get({name: self.state.averages[name] for name in names})
        for run, member in enumerate(self.members):
            attempt.save_snapshot(member, self.step, _slice(host, run))

    def weights(self) -> dict[str, Any]:
        """Every set of weights that is measured at all horizons, by name."""
        names = map(build.ema_name, self.config.train.ema)
        return {"raw": self.state.parameters, **{n: self.state.averages[n] for n in names}}

    def reconstructed(self) -> Iterator[tuple[str, Any]]:
        """The averages made from snapshots, with their names; none that `weights` has."""
        for width in self.config.measure.ema_widths:
            if width not in self.config.train.ema:
                yield build.ema_name(width), self.averaged(width)

    def averaged(self, width: float | None) -> Any:
        """Every run's weights averaged so, made from snapshots unless training keeps them.

        None: those that samples are drawn from.
        """
        name = build.best_weights(self.config) if width is None else build.ema_name(width)
        if name in (known := self.weights()):
            return known[name]
        assert width is not None
        like = self.program.one_run(self.seeds).parameters
        stored = self.config.train.snapshots
        made = _stack(
            [
                snapshots.reconstruct(m.directory / "snapshots", stored, self.step, width, like)
                for m in self.members
            ]
        )
        return jax.device_put(made, sharding.of_states(self.mesh, made))
