"""Programs are compiled once for all workers of a machine."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

WORKER = """\
import json, sys
from collections import Counter
from pathlib import Path
import jax
from scaling.run import Execution, Member, run_cohort
from tests.scaling.conftest import tiny

counts = Counter()
jax.monitoring.register_event_listener(lambda name, **_: counts.update([name]))
cache, directory = map(Path, sys.argv[1:])
directory.mkdir()
execution = Execution(steps_per_call=5, compilation_cache=cache)
run_cohort([Member(config=tiny(), directory=directory)], execution=execution)
print(json.dumps({"hits": counts["/jax/compilation_cache/cache_hits"]}))
"""


def worker(cache: Path, directory: Path) -> dict[str, int]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("JAX_COMPILATION")}
    command = [sys.executable, "-c", WORKER, str(cache), str(directory)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_a_second_worker_finds_what_the_first_compiled(tmp_path):
    first = worker(tmp_path / "cache", tmp_path / "one")
    stored = len(list((tmp_path / "cache").glob("*-cache")))
    assert stored > 0
    second = worker(tmp_path / "cache", tmp_path / "two")
    assert second["hits"] >= first["hits"] + stored  # some programs are met twice in a process
