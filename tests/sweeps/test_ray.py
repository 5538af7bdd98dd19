"""Workers as tasks of a Ray cluster that the engine starts itself, which takes half a minute."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from sweeps.engines import make
from sweeps.engines.child import log_of, start
from sweeps.engines.settings import RayConfig
from sweeps.sections import EngineConfig
from sweeps.snapshot import snapshot
from tests.sweeps.examples import SIX, make_store

pytest.importorskip("ray", reason="the extra `ray` is not installed")

ALONE = SIX + "engine: {cohort: 1}\n"

SUPERVISOR = """
    import signal
    import sys
    from sweeps.display import Lines
    from sweeps.engines.ray import RayEngine
    from sweeps.engines.settings import RayConfig
    from sweeps.store import Store
    from sweeps.supervise import supervise
    from tests.sweeps.examples import WORKER
    signal.signal(signal.SIGINT, signal.default_int_handler)
    store = Store.open(sys.argv[1])
    engine = RayEngine(store.directory, 2, RayConfig(), (*WORKER, "--seconds", sys.argv[2]))
    supervise(store, engine, 2, Lines(lambda text: print(text, flush=True)))
"""


def supervisor(store, seconds):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SUPERVISOR), str(store.directory), str(seconds)],
        env={**os.environ, "RAY_AUTH_MODE": "disabled", "PYTHONPATH": os.getcwd()},  # noqa: PTH109
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def ended(store):
    found = store.directory.glob("runs/*/attempts/*/ended.json")
    return sorted(json.loads(path.read_text())["status"] for path in found)


def test_the_dry_run_shows_what_is_asked_for(tmp_path):
    given = RayConfig(address="head:6379", num_cpus=4, num_gpus=1, resources={"tpu": 4})
    text = make("ray", tmp_path, 3, EngineConfig(name="ray", ray=given)).render()
    assert "3 Ray tasks on head:6379" in text
    assert "{'num_cpus': 4.0, 'num_gpus': 1.0, 'resources': {'tpu': 4.0}}" in text
    assert f"-m scaling worker {tmp_path} --end-with-parent" in text


def test_a_worker_works_where_the_command_was_given(tmp_path):
    """Ray's own processes are elsewhere, and paths of a manifest may be relative."""
    told = (sys.executable, "-c", "import os; print(os.getcwd())")
    place = tmp_path / "data"
    place.mkdir()
    for folder, expected in ((place, place), (tmp_path / "not here", Path.cwd())):
        start(tmp_path, folder.name, 1, told, str(folder)).communicate()
        assert log_of(tmp_path, folder.name).read_text().strip() == str(expected)


@pytest.mark.slow
def test_under_uv_run_workers_take_the_python_of_their_node():
    """Else Ray has uv make an environment anew from a copy of this folder, or fail to."""
    code = """
        from pathlib import Path
        from sweeps.engines import make
        from sweeps.sections import EngineConfig
        make("ray", Path("."), 1, EngineConfig(name="ray"))
        from ray._private import ray_constants
        assert not ray_constants.RAY_ENABLE_UV_RUN_RUNTIME_ENV
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_their_driver_and_the_next_one_goes_on(tmp_path, how):
    store = make_store(tmp_path / "s", ALONE)
    first = supervisor(store, 9)
    until = time.monotonic() + 180
    while len(snapshot(store).working) < 2:
        assert first.poll() is None
        assert time.monotonic() < until
        time.sleep(0.1)
    holders = [work.holder for work in snapshot(store).working.values()]
    first.send_signal(how)
    first.wait(timeout=60)
    until = time.monotonic() + 20
    while not all(holder.is_gone() for holder in holders):
        assert time.monotonic() < until
        time.sleep(0.1)
    asked = how != signal.SIGKILL
    assert ended(store) == ["preempted"] * 2 * asked
    second = supervisor(store, 0.2)
    assert second.wait(timeout=180) == 0
    assert ended(store) == sorted(["finished"] * 6 + ["preempted"] * 2 * asked)
