"""Train and measure one cohort of runs."""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from models.ema_snapshots import spaced_steps
from scaling import attempt, build, checkpoint, environment, group, snapshots
from scaling.attempt import Member
from scaling.cohort import Clock, Cohort, Execution
from scaling.config import RunConfig
from scaling.config.horizons import horizons
from scaling.data.source import load
from scaling.errors import LostClaim, Preempted
from scaling.measure.samples import as_stored, captions_for, description, make_sampler
from scaling.measuring import Meters, Tell, measure, measure_samples, meters_of
from scaling.profile import Profiler
from scaling.train.program import NEVER, make_program

__all__ = ["Execution", "LostClaim", "Member", "Outcome", "Preempted", "Progress", "run_cohort"]


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
    flops_per_second: float | None  # of the whole cohort in training; none: nothing was trained
    utilisation: float | None  # that over what its devices could do; none: not known


def _draw_samples(cohort: Cohort) -> None:
    samples = cohort.config.measure.samples
    captions = captions_for(samples, cohort.source)
    if not captions:
        return
    name = build.best_weights(cohort.config)
    sampler = make_sampler(cohort.config, cohort.source, samples, captions, mesh=cohort.mesh)
    images = sampler(cohort.weights()[name])
    for run, member in enumerate(cohort.members):
        if cohort.diverged_at[run] == NEVER:
            attempt.save_samples(
                member,
                cohort.step,
                as_stored(cohort.config, images[run]),
                captions=captions,
                weights=name,
                **description(samples),
            )


def _outcome(cohort: Cohort, run: int, trained: int) -> Outcome:
    at = int(cohort.diverged_at[run])
    rate = cohort.flops_per_second(trained)
    finished = at == NEVER
    return Outcome(
        status="finished" if finished else "diverged",
        step=cohort.step if finished else at,
        reason=None if finished else f"the loss or its gradient was not finite at step {at}",
        seconds=dict(cohort.clock.seconds),
        trained_steps=trained,
        flops_per_second=rate,
        utilisation=environment.utilisation(rate, cohort.mesh, cohort.config.train.precision),
    )


def _train(cohort: Cohort, meters: Meters, tell: Tell, profiler: Profiler) -> None:
    """Train to the end, measuring at each horizon and saving now and then."""
    steps, per_call = cohort.config.train.steps, cohort.input.steps_per_call
    stops = horizons(cohort.config.measure.horizons, steps)
    kept = cohort.config.train.snapshots
    stored = spaced_steps(steps, kept.count, kept.spacing)
    saved_at = time.monotonic()

    def save(*, wait: bool, over: bool = False) -> None:
        nonlocal saved_at
        late = time.monotonic() - saved_at > cohort.execution.checkpoint_seconds
        if over or group.any_of(late):
            with cohort.clock("train"):
                cohort.wait()
            with cohort.clock("checkpoint"):
                cohort.save(wait=wait)
            saved_at = time.monotonic()

    while True:
        if cohort.step in stored:
            with cohort.clock("checkpoint"):
                cohort.save_snapshot()
        if cohort.step in stops and not cohort.measured:
            save(wait=True)  # it may take long, and be cut short
            tell("measure")
            last = cohort.step == steps
            if meters.samples.due(cohort.step) or meters.preference.due(last=last):
                with cohort.clock("sample"):
                    measure_samples(cohort, meters, last, tell)
            with cohort.clock("measure"):
                measure(cohort, meters, last, tell)
        over = cohort.step == steps or cohort.all_diverged
        save(wait=over, over=over)
        if over:
            return
        tell("train")
        stop = min(s for s in (*stops, *stored, cohort.step + per_call) if s > cohort.step)
        with profiler.call(cohort.step, stop), cohort.clock("train"):
            cohort.advance(stop)
            looked_at = stop in stops or stop in stored or profiler.tracing
            cohort.wait(in_flight=0 if looked_at else 1)


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
    for notice in cohort.notices:
        print(f"{members[0].directory}: {notice}", file=sys.stderr, flush=True)
    meters = meters_of(cohort)
    first = cohort.step
    for member in members:
        attempt.copy_rows(member, until=first if cohort.measured else first - 1)
        attempt.copy_snapshots(member, until=first)
        attempt.copy_pairs(member, until=first if cohort.measured else first - 1)
        attempt.write_json(member, "protocols.json", meters.protocols())
        attempt.write_json(member, "environment.json", environment.describe())

    def tell(phase: Any) -> None:
        progress(Progress(phase=phase, step=cohort.step, steps=steps, loss=cohort.shown_loss()))

    try:
        with Profiler(execution.profile, members) as profiler:
            _train(cohort, meters, tell, profiler)
        if (cohort.diverged_at == NEVER).any():
            tell("sample")
            with clock("sample"):
                _draw_samples(cohort)
    except Preempted:
        cohort.save()
        raise
    finally:
        cohort.input.close()
    cohort.forget_earlier()
    tell("done")
    return [_outcome(cohort, run, cohort.step - first) for run in range(len(members))]


def weights_of(config: RunConfig, checkpoint_directory: Path, step: int, name: str) -> Any:
    """The named weights ("raw" or an average) of a finished run, from its last checkpoint."""
    like = make_program(config, load(config.data)).one_run(np.zeros(1, np.int32))
    state = checkpoint.load(checkpoint_directory / str(step), like)
    if name == "raw":
        return state.parameters
    made = {build.ema_name(width): width for width in config.measure.ema_widths}
    if name in state.averages or name not in made:
        return state.averages[name]
    directory = checkpoint_directory.parent / "snapshots"
    return snapshots.reconstruct(
        directory, config.train.snapshots, step, made[name], state.parameters
    )
