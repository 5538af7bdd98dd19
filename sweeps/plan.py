"""`scaling plan`: runs, parameters, FLOPs, memory and time before anything is spent."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from textwrap import wrap
from typing import Any, Literal

from models.compute import Rematerialise
from scaling.config import RunConfig
from scaling.costs import activation_bytes, device_bytes, input_bytes, layout
from scaling.devices import Device
from scaling.mesh import RULE, MeshShape
from sweeps.cohorts import plan as plan_cohorts
from sweeps.display import clock, in_bytes
from sweeps.estimates import CORE_RATES, START_SECONDS, makespan, run_seconds
from sweeps.fields import value_at
from sweeps.labels import in_words
from sweeps.manifest import Manifest
from sweeps.sections import EngineConfig
from sweeps.store.prepare import record_of

SHOWN: dict[Rematerialise, str] = {"nothing": "activations", "all": "rematerialised"}
"""What activations take, by what is computed again, under these headings."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where each worker trains: its devices, of a kind if that is known, and how well it uses them.

    `rate` is in FLOP/s of a worker, where it is given.
    """

    devices: int = 1
    fsdp: int | Literal["auto"] = "auto"
    device: Device | None = None
    utilisation: float = 0.4
    rate: float | None = None

    def rate_of(self, precision: str) -> float | None:
        """FLOP/s of a worker; None where nothing is known of it."""
        if self.rate or self.device is None:
            return self.rate
        return self.devices * self.utilisation * self.device.flops_per_second(precision)

    def mesh(self, config: RunConfig, runs: int) -> MeshShape:
        """Of a cohort of so many runs. InputError where `fsdp` does not divide."""
        usable = self.device.usable_bytes if self.device else None
        return layout(config, runs, devices=self.devices, fsdp=self.fsdp, usable_bytes=usable)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a manifest would take.

    `seconds` assumes `place.rate` FLOP/s a worker, or CORE_RATES. `meshes` and the bytes on a
    device are by run; those of `activations` also by what is computed again.
    """

    records: Sequence[dict[str, Any]]
    swept: tuple[str, ...]
    cohorts: Sequence[Sequence[str]]
    workers: int
    place: Place
    meshes: dict[str, MeshShape]
    device_bytes: dict[str, int]
    activations: dict[Rematerialise, dict[str, int]]

    @property
    def flops(self) -> float:
        """Of all training."""
        return float(sum(record["flops"] for record in self.records))

    def run_seconds(self, record: dict[str, Any]) -> float:
        """Time of one run on one worker, to train and draw samples, without compilation."""
        return run_seconds(record, self.place.rate_of(record["config"]["train"]["precision"]))

    @property
    def seconds(self) -> float:
        """Until the last worker ends, each taking the next cohort as it becomes free."""
        by_id = {record["id"]: record for record in self.records}
        training = (sum(self.run_seconds(by_id[run]) for run in cohort) for cohort in self.cohorts)
        return makespan((START_SECONDS + seconds for seconds in training), self.workers)


def place_of(
    engine: EngineConfig, *, devices: int | None = None, fsdp: int | None = None, **others: Any
) -> Place:
    """As training by the manifest would have it; on as few devices as it needs unless told."""
    split = fsdp or engine.fsdp
    at_least = 1 if split == "auto" else split
    return Place(devices=devices or at_least, fsdp=split, **others)


def plan(manifest: Manifest, *, workers: int, place: Place | None = None) -> Plan:
    """Count everything; nothing is written, and no such place need be there."""
    place = place or place_of(manifest.engine)
    records = [record_of(run) for run in manifest.runs]
    cohorts = plan_cohorts(records, size=manifest.engine.cohort, workers=workers)
    together = {run: len(cohort) for cohort in cohorts for run in cohort}
    meshes = {run.id: place.mesh(run.config, together[run.id]) for run in manifest.runs}

    def on_each(count: Callable[[RunConfig, MeshShape], int]) -> dict[str, int]:
        """By run, of all the cohort's runs that one device computes."""
        return {
            run.id: together[run.id] // meshes[run.id].run * count(run.config, meshes[run.id])
            for run in manifest.runs
        }

    states = on_each(lambda config, mesh: device_bytes(config, mesh.of_one_run, mesh.fsdp))
    examples = {
        run.id: input_bytes(
            run.config, together[run.id], meshes[run.id], manifest.engine.steps_per_call
        )
        for run in manifest.runs
    }
    return Plan(
        records=records,
        swept=tuple(path for path in manifest.swept if path != "seed"),
        cohorts=cohorts,
        workers=workers,
        place=place,
        meshes=meshes,
        device_bytes={run: count + examples[run] for run, count in states.items()},
        activations={
            policy: on_each(
                lambda config, mesh, policy=policy: activation_bytes(
                    config, mesh.of_one_run, policy
                )
            )
            for policy in SHOWN
        },
    )


def text(found: Plan) -> str:
    """A table with one line a cell (all its seeds), and the totals."""
    others = [path for path in found.swept if path != "model.rung"]

    def cell(record: dict[str, Any]) -> tuple[str, ...]:
        return (record["rung"], *(in_words(value_at(record["config"], path)) for path in others))

    headers = [
        "rung",
        *others,
        "runs",
        "parameters",
        "without emb.",
        "FLOPs/run",
        "state",
        *SHOWN.values(),
        *(["mesh"] if found.place.devices > 1 else []),
        "a device",
        "time/run",
    ]
    rows = [headers]
    for key, same in groupby(sorted(found.records, key=lambda r: (r["flops"], cell(r))), key=cell):
        records = list(same)
        first = records[0]
        rows.append(
            [
                *key,
                str(len(records)),
                f"{first['parameters']:,}",
                f"{first['parameters_non_embedding']:,}",
                f"{first['flops']:.2e}",
                in_bytes(first["state_bytes"]),
                *(in_bytes(found.activations[policy][first["id"]]) for policy in SHOWN),
                *([_shown(found.meshes[first["id"]])] if found.place.devices > 1 else []),
                in_bytes(found.device_bytes[first["id"]]),
                clock(found.run_seconds(first)),
            ]
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(headers))]
    left = 1 + len(others)
    lines = [
        "  ".join(
            c.ljust(w) if i < left else c.rjust(w)
            for i, (c, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    drawn = float(sum(record["sampling_flops"] for record in found.records))
    sampling = f", and {drawn:.3g} to sample what is measured at most" if drawn else ""
    lines += [
        "",
        "state: weights, gradients, moments, averages; activations: what the backward pass keeps",
        "of a device's share of a batch, of all its runs; rematerialised: the same with",
        "train.rematerialise: all; a device: its share of the state, activations as configured",
        "and the training set (of one that is read while it is used, the examples of two calls)",
        *(wrap(f"mesh: run x data x fsdp; {RULE}", 95) if found.place.devices > 1 else []),
        f"{len(found.records)} runs in {len(found.cohorts)} cohorts on {found.workers} "
        f"worker{'s' * (found.workers > 1)}: {found.flops:.3g} training FLOPs{sampling}",
        f"about {clock(found.seconds)}, if a worker does {_rate(found)} and compiles each cohort "
        f"in {START_SECONDS:.0f} s; measuring comes on top",
    ]
    return "\n".join(line.rstrip() for line in lines)


def _shown(mesh: MeshShape) -> str:
    return " x ".join(map(str, mesh))


def _rate(found: Plan) -> str:
    """What is assumed of a worker."""
    rates = {found.place.rate_of(r["config"]["train"]["precision"]) for r in found.records}
    known = sorted(rate for rate in rates if rate)
    if known:
        told = " to ".join(f"{rate:.3g}" for rate in dict.fromkeys((known[0], known[-1])))
        if found.place.rate:
            return f"{told} FLOP/s"
        return (
            f"{told} FLOP/s ({100 * found.place.utilisation:.0f}% of what its "
            f"{found.place.devices} device{'s' * (found.place.devices > 1)} could do)"
        )
    slowest, fastest = (rate / 1e9 for _, rate in (CORE_RATES[0], CORE_RATES[-1]))
    return f"{slowest:.0f} to {fastest:.0f} GFLOP/s (more for larger models)"
