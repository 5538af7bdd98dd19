"""Tiny configurations, and cohorts run in temporary directories."""

import json
from pathlib import Path

import pytest

from scaling.config import RunConfig
from scaling.run import Execution, Member, run_cohort

TINY = {
    "data": {"source": "mixture", "size": 4, "components": 4},
    "model": {"rung": "20k", "patch_size": 2},
    "train": {"steps": 24, "batch_size": 16, "learning_rate": 3e-3},
    "measure": {
        "horizons": {"first": 6, "count": 3},
        "log_snr": [-4.0, -1.0, 0.0, 1.0, 4.0],
        "held_out_examples": 24,
        "train_examples": 16,
        "samples": {"count": 2, "steps": 4},
    },
}


PATIENT = Execution(steps_per_call=5)


def tiny(**changes) -> RunConfig:
    """The tiny configuration with dotted paths (dots written as __) replaced."""
    resolved = json.loads(json.dumps(TINY))
    for path, value in changes.items():
        *sections, last = path.split("__")
        node = resolved
        for section in sections:
            node = node[section]
        node[last] = value
    return RunConfig.model_validate(resolved)


def rows_of(directory: Path) -> list[dict]:
    return [
        json.loads(line) for line in (directory / "measurements.jsonl").read_text().splitlines()
    ]


def values_of(directory: Path) -> dict[tuple, float]:
    names = ("horizon", "weights", "split", "metric", "log_snr")
    return {tuple(row[n] for n in names): row["value"] for row in rows_of(directory)}


@pytest.fixture
def train(tmp_path):
    """Train configurations together, each in a new attempt; give their directories and outcomes."""
    count = 0

    def run(*configs, execution=None, earlier=(), progress=lambda _: None):
        nonlocal count
        members = []
        for config in configs:
            directory = tmp_path / f"attempt-{count}"
            directory.mkdir()
            count += 1
            members.append(Member(config=config, directory=directory, earlier=tuple(earlier)))
        outcomes = run_cohort(members, execution=execution or PATIENT, progress=progress)
        return [m.directory for m in members], outcomes

    return run
