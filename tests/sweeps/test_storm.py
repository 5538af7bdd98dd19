"""Whatever happens to workers and drivers on a cluster, the measurements are those of calm weather.

Forty trainings on a real Ray and a real SLURM cluster of this machine, compared to the bit with the
same forty on the local engine.
"""

import os
import signal
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from pandas.testing import assert_frame_equal

from sweeps.store import Store
from sweeps.store.claims import holder_of, numbers
from tests.sweeps import slurm_cluster
from tests.sweeps.storm import (
    RUNS,
    begun,
    pause,
    saving_now,
    statuses,
    strike,
    sweep_on,
    targets,
    wait_long,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc"),
]


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    sweep = sweep_on(tmp_path_factory.mktemp("calm"), "local")
    done = sweep.run()
    assert done.returncode == 0, done.stderr
    return sweep


@pytest.fixture
def random():
    return np.random.default_rng(int(os.environ.get("SCALING_TEST_SEED", "0")))


@pytest.fixture
def ray_cluster(tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_raylet_start_wait_time_s", "120")  # of a machine that is busy
    with (tmp_path / "cluster.log").open("wb") as log:
        cluster = subprocess.Popen(
            [sys.executable, "-m", "tests.sweeps.ray_cluster"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        yield cluster
        cluster.communicate(timeout=60)


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    with slurm_cluster.cluster(tmp_path / "cluster") as environment:
        monkeypatch.setenv("SLURM_CONF", environment["SLURM_CONF"])
        yield


def assert_same(sweep, calm):
    assert len(sweep.results()) == RUNS
    assert {result["status"] for result in sweep.results()} == {"finished"}
    assert_frame_equal(sweep.table(), calm.table(), check_exact=True)


@pytest.mark.skipif(not find_spec("ray"), reason="the extra `ray` is not installed")
def test_on_ray(calm, ray_cluster, random, tmp_path):
    address = ray_cluster.stdout.readline().strip()
    assert address, (tmp_path / "cluster.log").read_text()
    sweep = sweep_on(tmp_path, "ray", f"ray: {{address: '{address}'}}")
    driver = sweep.start()
    wait_long((sweep.directory / "sweep.json").exists)
    strike(sweep, saving_now)
    for _ in range(2):
        pause(random)
        strike(sweep)
    wait_long(lambda: statuses(sweep).count("died") >= 4)
    driver.kill()
    driver.wait()
    driver = sweep.start()
    for _ in range(2):
        strike(sweep)
        pause(random)
    ray_cluster.stdin.write("replace a node\n")
    ray_cluster.stdin.flush()
    assert ray_cluster.stdout.readline() == "replaced\n"
    wait_long(lambda: any(begun(attempts) for attempts in targets(sweep).values()))
    parent = _parent(strike_not(sweep))
    os.kill(parent, signal.SIGKILL)  # Ray's own process, whose child the worker is
    assert driver.wait(timeout=600) == 0
    found = statuses(sweep)
    assert found.count("died") >= 5
    assert found.count("lost") >= 4
    assert_same(sweep, calm)


def strike_not(sweep):
    return next(h.pid for h, attempts in targets(sweep).items() if begun(attempts))


def _parent(process):
    with open(f"/proc/{process}/stat") as file:  # noqa: PTH123
        return int(file.read().rpartition(")")[2].split()[1])


@pytest.mark.skipif(not find_spec("submitit"), reason="the extra `slurm` is not installed")
@pytest.mark.skipif(bool(slurm_cluster.why_not()), reason=slurm_cluster.why_not() or "none")
def test_on_slurm(calm, slurm, random, tmp_path):
    """The first job is spared until its time limit, half a minute early, cuts a run in two."""
    jobs = "poll_seconds: 0.5, time_limit_minutes: 1, signal_seconds: 5"
    sweep = sweep_on(tmp_path, "slurm", f"slurm: {{{jobs}}}")
    driver = sweep.start()
    wait_long(lambda: (sweep.directory / "sweep.json").exists() and len(targets(sweep)) == 2)
    spared = min(holder.name for holder in targets(sweep))

    def spare(holder):
        return holder.name == spared

    strike(sweep, saving_now, spare=spare)
    for _ in range(4):
        pause(random)
        strike(sweep, spare=spare)
    driver.kill()
    driver.wait()
    driver = sweep.start()
    wait_long(lambda: any(not spare(h) and begun(a) for h, a in targets(sweep).items()))
    other = next(h for h in targets(sweep) if not spare(h)).name.removeprefix("slurm-")
    subprocess.run(["scontrol", "requeue", other], check=True)
    assert driver.wait(timeout=600) == 0
    found = statuses(sweep)
    assert found.count("died") >= 4
    assert found.count("preempted") >= 8, "a cohort of four by the limit, and one by the requeue"
    assert_same(sweep, calm)
    said = (sweep.directory / "logs/slurm").glob(f"{spared.removeprefix('slurm-')}_0_log.err")
    assert "this job is timed-out" in next(said).read_text()
    cut = [
        run.directory
        for run in Store.open(sweep.directory).runs
        for number in numbers(run.directory / "claims")[:-1]
        if holder_of(run.directory, number).name == spared
    ]
    assert cut, "no run of the spared job was cut"
