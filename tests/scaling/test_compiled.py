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
from scaling.attempt import Member
from scaling.cohort import Clock, Cohort, Execution
from scaling.environment import use_compilation_cache
from tests.scaling.conftest import tiny

counts = Counter()
jax.monitoring.register_event_listener(lambda name, **_: counts.update([name]))
use_compilation_cache(Path(sys.argv[1]))
network = {"patch_size": 2, "depth": 1, "width": 16, "heads": 1}
Cohort([Member(config=tiny(model=network), directory=Path("unused"))], Execution(), Clock())
print(json.dumps({"hits": counts["/jax/compilation_cache/cache_hits"]}))
"""


def worker(cache: Path) -> dict[str, int]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("JAX_COMPILATION")}
    command = [sys.executable, "-c", WORKER, str(cache)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_a_second_worker_finds_what_the_first_compiled(tmp_path):
    first = worker(tmp_path / "cache")
    stored = len(list((tmp_path / "cache").glob("*-cache")))
    assert stored > 0
    second = worker(tmp_path / "cache")
    assert second["hits"] >= first["hits"] + stored  # some programs are met twice in a process
