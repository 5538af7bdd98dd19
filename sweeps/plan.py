"""`scaling plan`: runs, parameters, FLOPs, memory and time before anything is spent."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from scaling.costs import device_bytes
from sweeps.cohorts import plan as plan_cohorts
from sweeps.display import clock
from sweeps.estimates import CORE_RATES, START_SECONDS, makespan, run_seconds
from sweeps.fields import value_at
from sweeps.labels import in_words
from sweeps.manifest import Manifest
from sweeps.store.prepare import record_of


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a manifest would take. `seconds` assumes `rate` FLOP/s a worker, or CORE_RATES."""

    records: Sequence[dict[str, Any]]
    swept: tuple[str, ...]
    cohorts: Sequence[Sequence[str]]
    workers: int
    rate: float | None
    device_bytes: dict[str, int]

    @property
    def flops(self) -> float:
        """Of all training."""
        return float(sum(record["flops"] for record in self.records))

    def run_seconds(self, record: dict[str, Any]) -> float:
        """Time of one run on one worker, to train and draw samples, without compilation."""
        return run_seconds(record, self.rate)

    @property
    def seconds(self) -> float:
        """Until the last worker ends, each taking the next cohort as it becomes free."""
        by_id = {record["id"]: record for record in self.records}
        training = (sum(self.run_seconds(by_id[run]) for run in cohort) for cohort in self.cohorts)
        return makespan((START_SECONDS + seconds for seconds in training), self.workers)


def plan(
    manifest: Manifest, *, workers: int, rate: float | None = None, devices: int = 1, fsdp: int = 1
) -> Plan:
    """Count everything; nothing is written. Each run is on `devices`, its state on `fsdp`."""
    records = [record_of(run) for run in manifest.runs]
    return Plan(
        records=records,
        swept=tuple(path for path in manifest.swept if path != "seed"),
        cohorts=plan_cohorts(records, size=manifest.engine.cohort, workers=workers),
        workers=workers,
        rate=rate,
        device_bytes={run.id: device_bytes(run.config, devices, fsdp) for run in manifest.runs},
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
                _bytes(first["state_bytes"]),
                _bytes(found.device_bytes[first["id"]]),
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
    slowest, fastest = (rate / 1e9 for _, rate in (CORE_RATES[0], CORE_RATES[-1]))
    by_size = f"{slowest:.0f} to {fastest:.0f} GFLOP/s (more for larger models)"
    rate = f"{found.rate:.3g} FLOP/s" if found.rate else by_size
    drawn = float(sum(record["sampling_flops"] for record in found.records))
    sampling = f", and {drawn:.3g} to sample what is measured at most" if drawn else ""
    lines += [
        "",
        "state: weights, gradients, moments, averages; a device: its share of the state and what",
        "the backward pass keeps of its share of a batch",
        f"{len(found.records)} runs in {len(found.cohorts)} cohorts on {found.workers} "
        f"worker{'s' * (found.workers > 1)}: {found.flops:.3g} training FLOPs{sampling}",
        f"about {clock(found.seconds)}, if a worker does {rate} and compiles each cohort in "
        f"{START_SECONDS:.0f} s; measuring comes on top",
    ]
    return "\n".join(line.rstrip() for line in lines)


def _bytes(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"
