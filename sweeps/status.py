"""`scaling status`: what is done, running and failed, and why. Imports neither jax nor pydantic."""

from collections.abc import Iterator
from typing import Any

from sweeps.display import clock
from sweeps.snapshot import Snapshot, snapshot
from sweeps.store import Store

ORDER = ("finished", "diverged", "running", "failed", "pending")


def status(store: Store) -> dict[str, Any]:
    """The sweep's state as plain values: counts by status, and one entry for each run."""
    store = store.to_look_at()
    now = snapshot(store)
    return {
        "name": store.sweep["name"],
        "directory": str(store.directory),
        "counts": {name: now.count(name) for name in ORDER},
        "runs": list(_entries(now)),
        "not_in_manifest": store.stray,
        "read_only": store.read_only,
    }


def _entries(now: Snapshot) -> Iterator[dict[str, Any]]:
    for run, state in zip(now.runs, now.states, strict=True):
        work = now.working.get(run.id)
        progress = work.progress if work else {}
        yield {
            "run": run.id,
            "rung": run.record["rung"],
            "seed": run.record["seed"],
            "status": state.status,
            "phase": progress.get("phase"),
            "step": progress.get("step", state.step),
            "steps": run.record["steps"],
            "loss": progress.get("loss"),
            "silent_seconds": round(work.silent_seconds, 1) if work else None,
            "host": work.holder.host if work else None,
            "pid": work.holder.pid if work else None,
            "worker": work.holder.name if work else None,
            "attempt": state.attempt,
            "reason": state.reason,
        }


def text(found: dict[str, Any], *, every: bool = False) -> str:
    """For people: the counts, then the runs that want attention (`every`: all of them)."""
    counts = ", ".join(f"{n} {name}" for name, n in found["counts"].items() if n)
    lines = [f"{found['name']} in {found['directory']}: {counts or 'no runs'}"]
    shown = ORDER if every else ("running", "failed", "diverged")
    for entry in found["runs"]:
        if entry["status"] in shown:
            lines.append("  " + _line(entry))
    if strays := found["not_in_manifest"]:
        lines.append(f"  {len(strays)} more on disk, from an earlier manifest")
    if found["read_only"] and found["counts"]["running"]:
        lines.append("  cannot be written to from here: heartbeats are by this machine's clock")
    return "\n".join(lines)


def _line(entry: dict[str, Any]) -> str:
    name = f"{entry['run']}  {entry['rung']:<6} seed {entry['seed']:<3} {entry['status']:<9}"
    return f"{name} {_DETAILS.get(entry['status'], _reason)(entry)}".rstrip()


def _running(entry: dict[str, Any]) -> str:
    step = f"{entry['step'] or 0:,}/{entry['steps']:,}"
    loss = f", loss {entry['loss']:.4f}" if entry["loss"] is not None else ""
    silent = f"heartbeat {clock(entry['silent_seconds'])} ago"
    holder = f"process {entry['pid']} on {entry['host']}"
    if not entry["worker"].startswith(f"{entry['host']}:"):
        holder = f"{entry['worker']}, {holder}"
    return f"{entry['phase'] or 'starting'} {step}{loss} ({holder}, {silent})"


def _failed(entry: dict[str, Any]) -> str:
    return f"{entry['reason']} (see runs/{entry['run']}/attempts/{entry['attempt']}/ended.json)"


def _reason(entry: dict[str, Any]) -> str:
    return entry["reason"] or ""


_DETAILS = {"running": _running, "failed": _failed}
