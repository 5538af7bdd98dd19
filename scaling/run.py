"""Train and measure one cohort of runs."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from scaling import attempt, build, checkpoint, environment
from scaling.attempt import Member
from scaling.config import RunConfig
from scaling.config.horizons import horizons
from scaling.data.order import batch_indices
from scaling.data.source import Source, load
from scaling.errors import LostClaim, Preempted
from scaling.measure.meter import Meter
from scaling.measure.rows import Measurement
from scaling.measure.samples import captions_for, make_sampler, to_uint8
from scaling.train import optimiser, sharding
from scaling.train.program import NEVER, TrainState, make_program

__all__ = ["Execution", "LostClaim", "Member", "Outcome", "Preempted", "Progress", "run_cohort"]


@dataclass(frozen=True, kw_only=True)
class Execution:
    """How a cohort is computed; no result depends on it."""

    steps_per_call: int = 50
    checkpoint_seconds: float = 60.0
    compilation_cache: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a cohort is."""

    phase: Literal["compile", "train", "measure", "sample", "done"]
    step: int
    steps: int
    loss: float | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a run ended, and where the cohort's time went."""

    status: Literal["finished", "diverged"]
    step: int
    reason: str | None
    seconds: dict[str, float]
    trained_steps: int  # by this attempt, for steps per second


@dataclass
class Clock:
    """Seconds spent, by phase."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - start
            self.seconds[phase] = self.seconds.get(phase, 0.0) + spent


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
            self.mesh = sharding.make_mesh(len(members), self.config.train.batch_size)
            on_runs = sharding.per_run(self.mesh)
            self.seeds = np.array([m.config.seed for m in members], np.int32)
            rates = _stack([optimiser.rates(m.config.train) for m in members])
            self.rates = jax.device_put(rates, on_runs)
            self.arrays = jax.device_put(self.source.arrays, sharding.replicated(self.mesh))
            self.step = attempt.resume_step(members)
            self.program = make_program(self.config, self.source, self.mesh)
            self.state = jax.device_put(self._first_state(), on_runs)
        with clock("compile"):
            calls = (self._indices(0, execution.steps_per_call), np.int32(0), np.int32(0))
            arguments = (self.state, self.seeds, self.rates, self.arrays, *calls)
            self.advance_compiled = self.program.advance.lower(*arguments).compile()

    def _first_state(self) -> TrainState:
        if self.step == 0:
            return self.program.init(self.seeds)
        like = self.program.one_run(self.seeds)
        return _stack([attempt.load_state(m, self.step, like) for m in self.members])

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

    def weights(self) -> dict[str, Any]:
        """Every set of weights that is measured, by name."""
        return {"raw": self.state.parameters, **self.state.averages}


def _measure(cohort: Cohort, meter: Meter, last: bool) -> None:
    rows: list[list[Measurement]] = [[] for _ in cohort.members]
    for name, parameters in cohort.weights().items():
        new_rows = meter.rows(name, parameters, cohort.step, last=last)
        for all_rows, new in zip(rows, new_rows, strict=True):
            all_rows.extend(new)
    for run, member in enumerate(cohort.members):
        if cohort.diverged_at[run] != NEVER:
            continue
        training = Measurement(
            horizon=cohort.step,
            weights="raw",
            split="train",
            metric="training_loss",
            log_snr=None,
            value=float(cohort.mean_loss()[run]),
            standard_error=None,
            count=int(cohort.state.loss_count[run]) * cohort.config.train.batch_size,
            protocol=meter.training_protocol,
        )
        floor = meter.floor_rows(cohort.step) if last else ()
        attempt.append_rows(member, [*rows[run], training, *floor])
    cohort.forget_loss()


def _draw_samples(cohort: Cohort) -> None:
    samples = cohort.config.measure.samples
    captions = captions_for(samples, cohort.source)
    if not captions:
        return
    name = build.best_weights(cohort.config)
    sampler = make_sampler(cohort.config, cohort.source, samples, captions)
    images = sampler(cohort.weights()[name])
    for run, member in enumerate(cohort.members):
        if cohort.diverged_at[run] == NEVER:
            attempt.save_samples(
                member,
                cohort.step,
                to_uint8(images[run]),
                captions=captions,
                weights=name,
                steps=samples.steps,
                guidance_scale=samples.guidance_scale,
                seed=samples.seed,
            )


def _outcome(cohort: Cohort, run: int, trained: int) -> Outcome:
    at = int(cohort.diverged_at[run])
    seconds = dict(cohort.clock.seconds)
    if at == NEVER:
        return Outcome(
            status="finished", step=cohort.step, reason=None, seconds=seconds, trained_steps=trained
        )
    reason = f"the loss or its gradient was not finite at step {at}"
    return Outcome(
        status="diverged", step=at, reason=reason, seconds=seconds, trained_steps=trained
    )


def _train(cohort: Cohort, meter: Meter, tell: Callable[[str], None]) -> None:
    """Train to the end, measuring at each horizon and saving now and then."""
    steps, per_call = cohort.config.train.steps, cohort.execution.steps_per_call
    stops = horizons(cohort.config.measure.horizons, steps)
    saved_at = time.monotonic()
    while True:
        if cohort.step in stops and not cohort.measured:
            tell("measure")
            with cohort.clock("measure"):
                _measure(cohort, meter, last=cohort.step == steps)
        over = cohort.step == steps or (cohort.diverged_at != NEVER).all()
        if over or time.monotonic() - saved_at > cohort.execution.checkpoint_seconds:
            with cohort.clock("checkpoint"):
                cohort.save()
            saved_at = time.monotonic()
        if over:
            return
        tell("train")
        with cohort.clock("train"):
            horizon = min(h for h in stops if h > cohort.step)
            cohort.advance(min(cohort.step + per_call, horizon))
            jax.block_until_ready(cohort.state)


def run_cohort(
    members: Sequence[Member],
    *,
    execution: Execution,
    progress: Callable[[Progress], None] = lambda _: None,
) -> list[Outcome]:
    """Train and measure runs of one `cohort_key` together, resuming from the earlier attempts.

    Everything is written into the members' own directories. Raises LostClaim where a member's
    check does, and what `progress` raises; Preempted is raised again after the state was saved.
    """
    environment.use_compilation_cache(execution.compilation_cache)
    clock = Clock()
    steps = members[0].config.train.steps
    progress(Progress(phase="compile", step=0, steps=steps))
    cohort = Cohort(members, execution, clock)
    meter = Meter(cohort.config, cohort.source)
    first = cohort.step
    for member in members:
        attempt.copy_rows(member, until=first if cohort.measured else first - 1)
        attempt.write_json(member, "protocols.json", meter.protocols())
        attempt.write_json(member, "environment.json", environment.describe())

    def tell(phase: Any) -> None:
        progress(Progress(phase=phase, step=cohort.step, steps=steps, loss=cohort.shown_loss()))

    try:
        _train(cohort, meter, tell)
        if (cohort.diverged_at == NEVER).any():
            tell("sample")
            with clock("sample"):
                _draw_samples(cohort)
    except Preempted:
        cohort.save()
        raise
    tell("done")
    return [_outcome(cohort, run, cohort.step - first) for run in range(len(members))]


def weights_of(config: RunConfig, checkpoint_directory: Path, step: int, name: str) -> Any:
    """The named weights ("raw" or an average) of a finished run, from its last checkpoint."""
    like = make_program(config, load(config.data)).one_run(np.zeros(1, np.int32))
    state = checkpoint.load(checkpoint_directory / str(step), like)
    return state.parameters if name == "raw" else state.averages[name]
