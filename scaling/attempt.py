"""One attempt at a run: the only place that its training writes to."""

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from scaling import checkpoint, snapshots
from scaling.config import RunConfig
from scaling.files import replacing
from scaling.measure.rows import UNLESS_EMPTY, Measurement

PAIRS = "preference-"
"""How names of archives begin that hold generated and real images of the same captions."""

SETTINGS = "settings-"
"""The same of those that hold images drawn under every setting of inference that was tried."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """A run of a cohort, and where this attempt at it writes."""

    config: RunConfig
    directory: Path
    earlier: tuple[Path, ...] = ()  # directories of earlier attempts, newest first
    check: Callable[[], None] = lambda: None  # raises LostClaim; called before every write
    writes: bool = True  # no, in all but the first of several processes


def resume_steps(members: Iterable[Member]) -> list[int]:
    """The steps of which every member has a checkpoint, newest first."""
    common: set[int] | None = None
    for member in members:
        found = set[int]().union(*(checkpoint.steps(d / "checkpoints") for d in member.earlier))
        common = found if common is None else common & found
    return sorted(common or (), reverse=True)


def load_state(member: Member, step: int, like: Any) -> Any:
    """The member's training state at `step`, from whichever attempt saved it."""
    directories = [directory / "checkpoints" for directory in member.earlier]
    return checkpoint.load(checkpoint.find(directories, step), like)


def has_enough(member: Member) -> bool:
    """Whether this attempt has as many checkpoints of its own as are kept."""
    return len(checkpoint.steps(member.directory / "checkpoints")) >= checkpoint.KEEP


def forget_earlier(member: Member) -> None:
    """Delete the checkpoints of earlier attempts, which nobody resumes from any more."""
    if not member.writes:
        return
    member.check()
    for directory in member.earlier:
        shutil.rmtree(directory / "checkpoints", ignore_errors=True)


def begin_saving(member: Member, step: int, state: Any) -> Callable[[], None]:
    """Save into this attempt's directory, in the background; what comes back waits for it."""
    member.check()
    return checkpoint.begin(member.directory / "checkpoints", step, state)


def save_snapshot(member: Member, step: int, averages: Any) -> None:
    """Store averages in this attempt's directory."""
    if not member.writes:
        return
    member.check()
    snapshots.save(member.directory / "snapshots", step, averages)


def copy_snapshots(member: Member, until: int) -> None:
    """Take over what earlier attempts stored up to the step that training resumes at.

    A snapshot is stored before a checkpoint of its step or later, so they hold all of them.
    """
    if not member.writes:
        return
    for directory in member.earlier:
        source, target = directory / "snapshots", member.directory / "snapshots"
        for step in snapshots.steps(source) - snapshots.steps(target):
            if step <= until:
                member.check()
                snapshots.copy(source, target, step)


def copy_pairs(member: Member, until: int) -> None:
    """Take over the pictures that earlier attempts kept for people to compare, if none is here."""
    if not member.writes:
        return
    target = member.directory / "samples"
    for directory, kind in product(member.earlier, (PAIRS, SETTINGS)):
        for path in (directory / "samples").glob(f"{kind}*.npz"):
            step = path.stem.removeprefix(kind)
            if step.isdigit() and int(step) <= until and not (target / path.name).exists():
                member.check()
                target.mkdir(exist_ok=True)
                with replacing(target / path.name) as draft:
                    draft.write_bytes(path.read_bytes())


def write_json(member: Member, name: str, content: Any) -> None:
    """Write one small file whole or not at all."""
    if not member.writes:
        return
    member.check()
    with replacing(member.directory / name) as draft:
        draft.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")


def append_rows(member: Member, rows: Iterable[Measurement]) -> None:
    """Append to measurements.jsonl, on disk before this returns."""
    _append_lines(member, (row.to_json() for row in rows))


def _append_lines(member: Member, lines: Iterable[str]) -> None:
    if not member.writes:
        return
    member.check()
    with (member.directory / "measurements.jsonl").open("a") as file:
        file.write("".join(line + "\n" for line in lines))
        file.flush()
        os.fsync(file.fileno())


def copy_rows(member: Member, until: int) -> None:
    """Take over the rows of earlier attempts for horizons up to the step that training resumes at.

    A checkpoint at a horizon is saved after its rows, so one attempt or another holds them all.
    """
    rows: dict[tuple[Any, ...], str] = {}
    for directory in reversed(member.earlier):
        for line in _complete_lines(directory / "measurements.jsonl"):
            row = json.loads(line)
            if row["horizon"] <= until:
                names = ("horizon", "weights", "split", "metric", "log_snr")
                of_setting = (row.get(name) for name in UNLESS_EMPTY)
                rows[*(row[name] for name in names), *of_setting] = line
    _append_lines(member, rows.values())


def _complete_lines(path: Path) -> Iterator[str]:
    if path.exists():
        for line in path.read_text().splitlines(keepends=True):
            if line.endswith("\n"):
                yield line.rstrip("\n")


def save_samples(
    member: Member, step: int, images: np.ndarray, prefix: str = "", **about: Any
) -> None:
    """Write samples/<prefix><step>.npz whole or not at all: `images` of 0..255, or `latents`."""
    if not member.writes:
        return
    member.check()
    directory = member.directory / "samples"
    directory.mkdir(exist_ok=True)
    arrays: dict[str, Any] = {name: np.asarray(value) for name, value in about.items()}
    arrays["images" if images.dtype == np.uint8 else "latents"] = images
    with replacing(directory / f"{prefix}{step}.npz") as draft, draft.open("wb") as file:
        np.savez_compressed(file, **arrays)
