"""A cohort: runs that share one compiled program, and their state on the devices."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from scaling import attempt, build, group, snapshots
from scaling.attempt import Member
from scaling.config import RunConfig
from scaling.costs import costs, layout
from scaling.data.input import Input
from scaling.data.source import Source, load
from scaling.errors import InputError
from scaling.idle import Idle
from scaling.profile import Window
from scaling.resume import resume, stack
from scaling.train import sharding
from scaling.train.program import NEVER, TrainState, make_program
from scaling.train.program import rates as rates_of


@dataclass(frozen=True, kw_only=True)
class Execution:
    """How a cohort is computed; no result depends on it."""

    steps_per_call: int = 50
    fsdp: int | Literal["auto"] = "auto"
    checkpoint_seconds: float = 60.0
    compilation_cache: Path | None = None
    profile: Window | None = None


@dataclass
class Clock:
    """Seconds spent, by phase; those of a phase inside another are its own alone."""

    seconds: dict[str, float] = field(default_factory=dict)
    _inside: float = 0.0  # of phases that ended in the present one

    @contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        """Add the time of a `with` block to a phase."""
        start, before, self._inside = time.perf_counter(), self._inside, 0.0
        try:
            yield
        finally:
            spent = time.perf_counter() - start
            self.seconds[phase] = self.seconds.get(phase, 0.0) + spent - self._inside
            self._inside = before + spent

    def take(self, phase: str, seconds: float) -> None:
        """Seconds of the present phase that count as another's."""
        self.seconds[phase] = self.seconds.get(phase, 0.0) + seconds
        self._inside += seconds


def _mesh(config: RunConfig, runs: int, fsdp: int | Literal["auto"]) -> Mesh:
    usable, count = sharding.usable_bytes(), jax.device_count()
    shape = layout(config, runs, devices=count, fsdp=fsdp, usable_bytes=usable)
    mesh = sharding.make_mesh(runs, config.train.batch_size, fsdp=shape.fsdp)
    if mesh.size < jax.device_count() and not group.alone():
        raise InputError(
            f"train.batch_size: {config.train.batch_size} examples of {runs} runs can be split "
            f"among {mesh.size} of the {jax.device_count()} devices of {jax.process_count()} "
            "processes, and all must take part; choose one that their number divides"
        )
    return mesh


def _slice(state: Any, run: Any) -> Any:
    return jax.tree.map(lambda leaf: leaf[run], state)


class Seen(NamedTuple):
    """What the host looks at after a call, apart from the state that the next call consumes."""

    loss_sum: Any
    loss_count: Any
    diverged_at: Any


@jax.jit
def _seen(state: TrainState) -> Seen:
    copies = jax.tree.map(jnp.copy, (state.loss_sum, state.loss_count, state.diverged_at))
    return Seen(*copies)


class Cohort:
    """A cohort's compiled programs and its state on the device."""

    def __init__(self, members: Sequence[Member], execution: Execution, clock: Clock):
        self.members, self.execution, self.clock = members, execution, clock
        self.config: RunConfig = members[0].config
        self._earlier = True  # whether checkpoints of earlier attempts may still be needed
        self._saving: list[Callable[[], None]] = []  # what waits for checkpoints begun
        self._calls: list[Seen] = []  # of calls that may still be computed
        self._latest: Seen | None = None  # of the latest that was waited for
        with clock("setup"):
            self.source: Source = load(self.config.data)
            self.mesh = _mesh(self.config, len(members), execution.fsdp)
            on_runs = sharding.per_run(self.mesh)
            self.seeds = np.array([m.config.seed for m in members], np.int32)
            rates = stack([rates_of(m.config) for m in members])
            self.rates = jax.device_put(rates, on_runs)
            everywhere = sharding.replicated(self.mesh)
            arrays = self.source.arrays
            # Those of this process alone cannot be spread over the devices of several.
            self.arrays = jax.device_put(
                arrays if group.alone() else group.to_host(arrays), everywhere
            )
            self.program = make_program(self.config, self.source, self.mesh)
            self.step, self.state, self.notices = resume(
                members, self.program, self.mesh, self.seeds
            )
            self.input = Input(
                sharding.per_example(self.mesh),
                examples=self.source.examples,
                fetch=self.source.fetch,
                seeds=self.seeds,
                batch=self.config.train.batch_size,
                steps=self.config.train.steps,
                steps_per_call=execution.steps_per_call,
            )
        with clock("compile"):
            calls = (self.input.shapes(), np.int32(0), np.int32(0))
            arguments = (self.state, self.seeds, self.rates, self.arrays, *calls)
            self.advance_compiled = self.program.advance.lower(*arguments).compile()

    def first_parameters(self) -> Any:
        """Every run's parameters before training, made again."""
        return self.program.init(self.seeds).parameters

    def advance(self, stop: int) -> None:
        """Train up to, not including, step `stop`, at most `input.steps_per_call` further on.

        Returns when the call has been sent off; `wait` for what it comes to.
        """
        count, idle = stop - self.step, Idle(self._computing)
        indices = self.input(self.step, count, idle.look)
        self.clock.take("input", idle.seconds())
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
        self._calls.append(_seen(self.state))

    def _computing(self) -> bool:
        return any(not leaf.is_ready() for seen in self._calls[-1:] for leaf in seen)

    def wait(self, *, in_flight: int = 0) -> None:
        """Until no more calls than that are being computed.

        With one in flight the devices have the next call before the host looks at the last.
        """
        while len(self._calls) > in_flight:
            self._latest = Seen(*group.to_host(self._calls.pop(0)))

    @property
    def all_diverged(self) -> bool:
        """Whether no run was finite any more in the latest call that was waited for."""
        seen = self._latest
        return bool((self.diverged_at if seen is None else seen.diverged_at).min() != NEVER)

    @property
    def diverged_at(self) -> np.ndarray:
        """For each run the first step that was not finite, or `NEVER`."""
        return group.to_host(self.state.diverged_at)

    def mean_loss(self) -> np.ndarray:
        """For each run the mean training loss since the last horizon."""
        total, counts = group.to_host((self.state.loss_sum, self.state.loss_count))
        return total.astype(np.float64) / np.maximum(counts, 1)

    @property
    def measured(self) -> bool:
        """Whether nothing was trained since the last measurement (true of the first step, too)."""
        return not group.to_host(self.state.loss_count).any()

    def shown_loss(self) -> float | None:
        """The cohort's mean training loss since the last horizon, if there is a finite one.

        As of the latest call that was waited for.
        """
        if self._latest is None or not self._latest.loss_count.all():
            return None
        loss = float(np.mean(self._latest.loss_sum.astype(np.float64) / self._latest.loss_count))
        return loss if math.isfinite(loss) else None

    def forget_loss(self) -> None:
        """Start the mean training loss afresh."""
        runs, place = len(self.members), sharding.per_run(self.mesh)
        self.state = self.state._replace(
            loss_sum=jax.device_put(np.zeros(runs, np.float32), place),
            loss_count=jax.device_put(np.zeros(runs, np.int32), place),
        )
        self._latest = None

    def flops_per_second(self, steps: int) -> float | None:
        """Of all runs, in `steps` of training and waiting for input; None if there were none."""
        seconds = sum(self.clock.seconds.get(phase, 0.0) for phase in ("train", "input"))
        images = steps * self.config.train.batch_size * len(self.members)
        if not images or not seconds:
            return None
        return images * costs(self.config).training_flops_per_image / seconds

    def save(self, *, wait: bool = True) -> None:
        """A checkpoint of every run, also of diverged ones: a cohort resumes where all have one.

        They are written in the background unless one waits; the next save waits for them.
        """
        self._finish_saving()
        for member, state in zip(self.members, self._each_run(), strict=True):
            self._saving.append(attempt.begin_saving(member, self.step, state))
        if wait:
            self._finish_saving()

    def _finish_saving(self) -> None:
        while self._saving:
            self._saving.pop()()
        if self._earlier and all(attempt.has_enough(member) for member in self.members):
            self.forget_earlier()

    def forget_earlier(self) -> None:
        """Delete the checkpoints of earlier attempts, now that nobody will go on from them."""
        self._earlier = False
        for member in self.members:
            attempt.forget_earlier(member)

    def _each_run(self) -> Iterator[Any]:
        """Every run's state, apart from the one that training goes on to change."""
        host = jax.device_get(self.state) if self.mesh.size == 1 else None
        for run in range(len(self.members)):
            if host is None:
                yield self._sliced(self.state, np.int32(run))
            else:
                yield jax.tree.map(np.array, _slice(host, run))

    @cached_property
    def _sliced(self) -> Callable[[TrainState, np.int32], TrainState]:
        places = sharding.of_one(self.mesh, self.program.one_run(self.seeds))
        return jax.jit(_slice, out_shardings=places)

    def save_snapshot(self) -> None:
        """Every run's averages of the stored widths; if stored before, the same bits again."""
        names = map(build.ema_name, self.config.train.snapshots.widths)
        host = group.to_host({name: self.state.averages[name] for name in names})
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
        group.wait_for_all("snapshots")
        like = self.program.one_run(self.seeds).parameters
        stored = self.config.train.snapshots
        made = stack(
            [
                snapshots.reconstruct(m.directory / "snapshots", stored, self.step, width, like)
                for m in self.members
            ]
        )
        return jax.device_put(made, sharding.of_states(self.mesh, made))
