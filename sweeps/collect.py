"""From the attempts' own files to one table: measurements.parquet, runs.csv, protocols.json.

These, and the judges' verdicts beside them, are caches: they can be deleted, and are made again
from the truth below `runs/`.
"""

import csv
import hashlib
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from scaling.errors import InputError
from scaling.files import replacing
from sweeps.fields import value_at
from sweeps.labels import in_words
from sweeps.store import Store, StoredRun
from sweeps.store.claims import numbers
from sweeps.store.states import RunState
from sweeps.store.writing import plainly, read_json, read_lines, to_json, write
from sweeps.verdicts import FILE as VERDICTS
from sweeps.verdicts import write_verdicts

MEASURED = (
    *("weights", "split", "metric", "log_snr", "value", "standard_error", "count", "protocol"),
)
"""Columns that a line of measurements.jsonl gives."""

AT_OTHERS = ("inference", "setting")
"""Columns that a line gives where it is not of the fixed setting of inference; else empty."""

CONFIGURED = {
    "width": "model.width",
    "depth": "model.depth",
    "learning_rate": "train.learning_rate",
    "transfer": "train.transfer",
}
"""Columns that show a run's own value of a path, whether it was swept or not."""

RUN_COLUMNS = (
    *("run", "rung", "seed", *CONFIGURED, "parameters", "parameters_non_embedding", "flops"),
    *("steps", "images", "status", "reason", "step", "seconds", "waited", "utilisation"),
    "samples",
)

AXES = ("model.rung", "seed", "train.learning_rate")
"""Swept paths that do not define series; any other swept path adds a column, which does."""


def collect(store: Store) -> list[str]:
    """Write the table of the current manifest's runs unless it is up to date; returns notices."""
    sweep = store.sweep
    swept = [path for path in sweep["swept"] if path not in AXES]
    pairs = [(run, state, attempt_of(run, state)) for run, state in store.states()]
    digest = _digest(sweep, pairs)
    if read_json(store.directory / "collected.json") == {"inputs": digest} and all(
        (store.directory / name).exists()
        for name in ("measurements.parquet", "runs.csv", "protocols.json")
    ):
        return []
    notices: list[str] = []
    protocols: dict[str, Any] = {}
    columns: dict[str, list[Any]] = {}
    rows_of_runs = []
    for run, state, attempt in pairs:
        about = _about(run, swept)
        if attempt is not None:
            rows, torn = read_lines(attempt / "measurements.jsonl")
            notices += [torn] if torn and state.status != "running" else []
            _extend(columns, rows, about, run, state)
            protocols |= read_json(attempt / "protocols.json") or {}
        rows_of_runs.append(_run_row(run, state, attempt, about, store.directory))
    _write_table(store.directory / "measurements.parquet", columns, swept)
    names = [*RUN_COLUMNS, *swept]
    write(store.directory / "runs.csv", _csv(names, rows_of_runs))
    write(store.directory / "protocols.json", to_json(protocols))
    finished = {r.id: a for r, state, a in pairs if a is not None and state.status == "finished"}
    write_verdicts(store.directory, finished)
    write(store.directory / "collected.json", to_json({"inputs": digest}))
    return notices


def attempt_of(run: StoredRun, state: RunState) -> Path | None:
    """The attempt whose files speak for a run: the one that finished, else the newest with rows."""
    folder = run.directory / "attempts"
    if state.status in ("finished", "diverged"):
        return folder / str(state.attempt)
    with_rows = (
        folder / str(number)
        for number in numbers(folder)[::-1]
        if (folder / str(number) / "measurements.jsonl").exists()
    )
    return next(with_rows, None)


def _digest(
    sweep: Mapping[str, Any], pairs: Sequence[tuple[StoredRun, RunState, Path | None]]
) -> str:
    """Changes whenever a run's status, its file of measurements or the table's columns do."""
    header = [sweep["runs"], sweep["swept"], RUN_COLUMNS, MEASURED, AT_OTHERS, VERDICTS]
    digest = hashlib.sha256(json.dumps(header).encode())
    for run, state, attempt in pairs:
        size = _size(attempt / "measurements.jsonl") if attempt else 0
        name = attempt.name if attempt else ""
        digest.update(f"{run.id} {state.status} {name} {size} {state.reason}\n".encode())
    return digest.hexdigest()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _about(run: StoredRun, swept: Sequence[str]) -> dict[str, Any]:
    """What is the same in every row of a run."""
    record = run.record
    names = ("rung", "seed", "parameters", "parameters_non_embedding")
    paths = {**CONFIGURED, **{path: path for path in swept}}
    values = {name: _at(record["config"], path) for name, path in paths.items()}
    return {"run": run.id, **{name: record[name] for name in names}, **values}


def _at(config: Any, path: str) -> Any:
    """The value at a dotted path; lists and sections in words, None where there is none."""
    value = value_at(config, path)
    return in_words(value) if isinstance(value, list | dict) else value


def _extend(
    columns: dict[str, list[Any]],
    rows: Sequence[Mapping[str, Any]],
    about: Mapping[str, Any],
    run: StoredRun,
    state: RunState,
) -> None:
    batch = run.record["config"]["train"]["batch_size"]
    per_image = run.record["training_flops_per_image"]
    try:
        steps = [row["horizon"] for row in rows]
        for name in MEASURED:
            columns.setdefault(name, []).extend([row[name] for row in rows])
        for name in AT_OTHERS:
            columns.setdefault(name, []).extend([row.get(name, "") for row in rows])
    except KeyError as error:
        raise InputError(f"{run.directory}: a row of its measurements lacks {error}") from None
    computed = {
        "steps": steps,
        "images": [step * batch for step in steps],
        "unique_data": _unique(run.record, [step * batch for step in steps]),
        "flops": [float(step * batch * per_image) for step in steps],
        "status": [state.status] * len(rows),
        **{name: [value] * len(rows) for name, value in about.items()},
    }
    for name, values in computed.items():
        columns.setdefault(name, []).extend(values)


def _unique(record: Mapping[str, Any], images: Sequence[int]) -> list[int | None]:
    """Different images among those trained on; None for runs from before they were counted."""
    if "training_examples" not in record:
        return [None] * len(images)
    examples = record["training_examples"]  # None where no image comes twice
    return [count if examples is None else min(count, examples) for count in images]


def _run_row(
    run: StoredRun,
    state: RunState,
    attempt: Path | None,
    about: Mapping[str, Any],
    directory: Path,
) -> dict[str, Any]:
    record = run.record
    result = read_json(run.directory / "result.json") or {}
    samples = _samples(attempt) if attempt else None
    return {
        **about,
        **{name: record[name] for name in ("flops", "steps", "images")},
        "status": state.status,
        "reason": state.reason,
        "step": state.step,
        "seconds": round(sum(result["seconds"].values()), 3) if result else None,
        "waited": _waited(result.get("seconds") or {}),
        "utilisation": result.get("utilisation"),
        "samples": os.path.relpath(samples, directory) if samples else None,
    }


def _waited(seconds: Mapping[str, float]) -> float | None:
    """Share of the time of training in which the devices waited for input."""
    spent = seconds.get("train", 0.0) + seconds.get("input", 0.0)
    return round(seconds.get("input", 0.0) / spent, 6) if spent else None


def _samples(attempt: Path) -> Path | None:
    """The samples of the latest step."""
    folder = attempt / "samples"
    found = folder.glob("*.npz") if folder.exists() else ()
    return max((p for p in found if p.stem.isdigit()), key=lambda p: int(p.stem), default=None)


def _csv(names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _write_table(path: Path, columns: Mapping[str, list[Any]], swept: Sequence[str]) -> None:
    """Parquet with fixed types, so that an empty table has its columns as well."""
    import pyarrow as pa
    from pyarrow import parquet

    arrays = {
        name: pa.array(columns.get(name, []), type=getattr(pa, kind)())
        for name, kind in _types(columns, swept)
    }
    with plainly(path), replacing(path) as draft:
        parquet.write_table(pa.table(arrays), draft)


def _types(columns: Mapping[str, list[Any]], swept: Sequence[str]) -> Iterator[tuple[str, str]]:
    yield from {
        "run": "string",
        "rung": "string",
        "seed": "int64",
        "width": "int64",
        "depth": "int64",
        "learning_rate": "float64",
        "transfer": "string",
        "parameters": "int64",
        "parameters_non_embedding": "int64",
        "steps": "int64",
        "images": "int64",
        "unique_data": "int64",
        "flops": "float64",
        "status": "string",
        "weights": "string",
        "split": "string",
        "metric": "string",
        "log_snr": "float64",
        "value": "float64",
        "standard_error": "float64",
        "count": "int64",
        "protocol": "string",
        "inference": "string",
        "setting": "string",
    }.items()
    for path in swept:
        kinds = {type(value) for value in columns.get(path, []) if value is not None}
        for kind, types in {"bool_": {bool}, "int64": {int}, "float64": {int, float}}.items():
            if kinds and kinds <= types:
                yield path, kind
                break
        else:
            yield path, "string"
