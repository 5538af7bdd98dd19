"""Run by test_group.py, once in each of several processes: a cohort, as a worker trains it."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np

from scaling import group
from scaling.data import memory
from scaling.errors import Preempted
from scaling.run import Execution, Member, run_cohort
from scaling.train import sharding
from tests.scaling.conftest import tiny

STEPS = 50


def config(seed: int, data: dict[str, Any]):
    """Small, yet with parameters that are split."""
    return tiny(
        data=data,
        model={"patch_size": 2, "depth": 1, "width": 16, "heads": 1},
        seed=seed,
        train__batch_size=16,
        train__steps=STEPS,
        measure__horizons={"first": 10, "count": 3},
        measure__samples={"count": 2, "steps": 2},
    )


def train(
    directory: Path, *, fsdp: int, stop: int, earlier: Path | None, data: dict[str, Any]
) -> None:
    """Into directory/<seed>, going on from earlier/<seed>, as far as `stop`."""
    members = []
    for seed in range(2):
        own = directory / str(seed)
        if group.is_first():
            own.mkdir(parents=True, exist_ok=True)
        before = (earlier / str(seed),) if earlier else ()
        members.append(
            Member(
                config=config(seed, data),
                directory=own,
                earlier=before,
                writes=group.is_first(),
            )
        )
    group.wait_for_all("made")

    def progress(told) -> None:
        if told.step >= stop and told.phase == "train":
            raise Preempted("far enough")

    try:
        run_cohort(members, execution=Execution(steps_per_call=5, fsdp=fsdp), progress=progress)
    except Preempted:
        assert stop < STEPS


if __name__ == "__main__":
    sharding.WORTH_SPLITTING = 64  # the networks here are tiny
    memory.IN_MEMORY_BYTES = 0  # files, however few, are read while they are used
    group.join(group.group_of(os.environ))
    asked = json.loads(sys.argv[1])
    assert jax.device_count() == asked.pop("devices")
    asked["earlier"] = Path(asked["earlier"]) if asked.get("earlier") else None
    train(Path(asked.pop("directory")), **asked)
    said = group.told_by_first({"word": "ä" * 300, "numbers": [1, 2]})
    assert said == {"word": "ä" * 300, "numbers": [1, 2]}
    assert group.any_of(not group.is_first()) is (not group.alone())
    whole = np.arange(8.0)
    np.testing.assert_array_equal(group.to_host(whole), whole)
