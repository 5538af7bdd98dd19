"""Making a sweep's directory, or bringing it up to a changed manifest."""

import contextlib
import itertools
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scaling.config import FORMAT_VERSION
from scaling.errors import InputError
from sweeps.cohorts import keep_or_plan
from sweeps.manifest import Manifest, Run
from sweeps.store.directory import LAYOUT_VERSION, Store
from sweeps.store.states import forgive
from sweeps.store.writing import plainly, read_json, to_json, write


def prepare(
    manifest: Manifest, directory: Path, *, workers: int, retry_failed: bool = False
) -> tuple[Store, list[str]]:
    """The store with every run of the manifest in it, and notices of what is unusual.

    Runs that are there already are left alone. Safe at any moment, also while others work in it.
    """
    new = {  # first of all: data that cannot be read shows here, before anything is written
        run.id: to_json(record_of(run))
        for run in manifest.runs
        if not (directory / "runs" / run.id / "run.json").exists()
    }
    _check_or_begin(directory, manifest)
    store = Store.open(directory)
    notices = list(manifest.notices)
    for run_id, record in new.items():
        path = store.run(run_id).directory / "run.json"
        with plainly(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write(path, record)
    notices += _keep_manifest(manifest, directory)
    found = store.sweep
    cohorts = keep_or_plan(
        found["cohorts"] if found["cohort_size"] == manifest.engine.cohort else [],
        [store.run(run.id).record for run in manifest.runs],
        size=manifest.engine.cohort,
        workers=workers,
    )
    sweep = {**_header(manifest), "runs": [run.id for run in manifest.runs], "cohorts": cohorts}
    if sweep != found:
        write(directory / "sweep.json", _compact(sweep))
    if store.stray:
        notices.append(
            f"{directory}: {len(store.stray)} runs of an earlier manifest are kept on disk, "
            "but not in the table"
        )
    if retry_failed:
        for run, state in store.states():
            if state.status == "failed":
                forgive(run.directory)
    return store, notices


def record_of(run: Run) -> dict[str, Any]:
    """run.json: the resolved configuration and what it will cost."""
    from scaling.config.cohort import cohort_key
    from scaling.costs import costs, sampling_flops
    from scaling.data.facts import facts

    counted = costs(run.config)
    images = run.config.train.steps * run.config.train.batch_size
    return {
        "id": run.id,
        "rung": run.config.model.rung,
        "seed": run.config.seed,
        "steps": run.config.train.steps,
        "images": images,
        "training_examples": facts(run.config.data).examples,
        "flops": counted.training_flops_per_image * images,
        "sampling_flops": sampling_flops(run.config),
        **asdict(counted),
        "cohort_key": cohort_key(run.config),
        "config": run.config.model_dump(mode="json"),
    }


def _header(manifest: Manifest) -> dict[str, Any]:
    return {
        "layout": LAYOUT_VERSION,
        "configuration": FORMAT_VERSION,
        "name": manifest.name,
        "swept": list(manifest.swept),
        "engine": manifest.engine.model_dump(mode="json"),
        "fit": manifest.fit.model_dump(mode="json"),
        "cohort_size": manifest.engine.cohort,
    }


def _compact(sweep: dict[str, Any]) -> str:
    """One line for each key: thousands of ids stay readable."""
    lines = (f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in sweep.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _check_or_begin(directory: Path, manifest: Manifest) -> None:
    with plainly(directory):
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise InputError(f"{directory}: not a directory") from None
        found = read_json(directory / "sweep.json")
        if found is None:
            strangers = [p.name for p in directory.iterdir() if not p.name.startswith(".")]
            if strangers:
                raise InputError(
                    f"{directory}: neither empty nor a sweep's directory: it holds {strangers[0]}"
                )
            # From here on the directory is ours, even if we are stopped before the next line.
            empty = {**_header(manifest), "runs": [], "cohorts": []}
            write(directory / "sweep.json", _compact(empty))
            return
    Store.open(directory)
    if found["configuration"] != FORMAT_VERSION:
        raise InputError(
            f"{directory}: written by another version of scaling (configurations of version "
            f"{found['configuration']}, this one trains {FORMAT_VERSION}); use that version, or "
            "give another directory"
        )


def _keep_manifest(manifest: Manifest, directory: Path) -> list[str]:
    """Write manifest.yaml; one with other content is kept beside it under a number."""
    path = directory / "manifest.yaml"
    before = path.read_text("utf-8") if path.exists() else manifest.text
    notices = []
    if before != manifest.text:
        numbers = (n for n in itertools.count(1) if not (directory / f"manifest.{n}.yaml").exists())
        kept = directory / f"manifest.{next(numbers)}.yaml"
        with contextlib.suppress(FileExistsError):  # another process keeps it at this moment
            os.link(path, kept)
        notices.append(f"{directory}: the manifest has changed; the earlier one is {kept.name}")
    if notices or not path.exists():
        write(path, manifest.text)
    return notices
