"""Workers as jobs of a real SLURM cluster on this machine."""

import json
import os
import signal
import subprocess
import sys
import textwrap

import pytest

from scaling.errors import InputError
from sweeps.display import Lines
from sweeps.engines import make
from sweeps.engines.settings import SlurmConfig
from sweeps.sections import EngineConfig
from sweeps.snapshot import snapshot
from sweeps.store.claims import holder_of
from sweeps.store.writing import read_json
from sweeps.supervise import supervise
from tests.sweeps import slurm_cluster
from tests.sweeps.examples import SIX, WORKER, make_store
from tests.sweeps.waiting import wait_for

pytest.importorskip("submitit", reason="the extra `slurm` is not installed")

ALONE = SIX + "engine: {cohort: 1}\n"
QUICK = SlurmConfig(poll_seconds=0.3, signal_seconds=30, time_limit_minutes=2)


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    if reason := slurm_cluster.why_not():
        pytest.skip(reason)
    with slurm_cluster.cluster(tmp_path_factory.mktemp("slurm") / "c") as environment:
        os.environ["SLURM_CONF"] = environment["SLURM_CONF"]
        yield
        del os.environ["SLURM_CONF"]


def engine(store, workers=2, settings=QUICK, seconds=0.3):
    from sweeps.engines.slurm import SlurmEngine

    command = (*WORKER, "--seconds", str(seconds))
    return SlurmEngine(store.directory, workers, settings, command)


def train(store, place, workers=2):
    return supervise(store, place, workers, Lines(print))


def ended(store):
    found = store.directory.glob("runs/*/attempts/*/ended.json")
    return [json.loads(path.read_text())["status"] for path in found]


def at_work(store):
    return {work.holder.name for work in snapshot(store).working.values()}


def test_the_dry_run_shows_every_setting_and_needs_no_cluster(tmp_path):
    settings = SlurmConfig(
        partition="gpu", account="us", gpus_per_node=1, cpus_per_task=8, mem="32G",
        time_limit_minutes=240, signal_seconds=90, setup=["module load cuda"],
        directives={"reservation": "night", "exclusive": True},
    )  # fmt: skip
    config = EngineConfig(name="slurm", slurm=settings)
    text = make("slurm", tmp_path / "a sweep", 3, config).render()
    for line in (
        "--array=0-2%3", "--partition=gpu", "--account=us", "--gpus-per-node=1",
        "--cpus-per-task=8", "--mem=32G", "--time=240", "--signal=USR1@90",
        "--reservation=night", "--exclusive", "--requeue",
    ):  # fmt: skip
        assert f"#SBATCH {line}\n" in text
    assert "module load cuda\n" in text
    assert text.rstrip().endswith(f"-m submitit.core._submit '{tmp_path}/a sweep/logs/slurm'")


def test_jobs_train_every_run_once_by_the_script_of_the_dry_run(slurm, tmp_path):
    store = make_store(tmp_path / "a sweep", ALONE)
    place = engine(store)
    now = train(store, place)
    assert now.count("finished") == 6
    assert ended(store) == ["finished"] * 6
    names = {holder_of(run.directory, 1).name for run in store.runs}
    assert {name.rpartition("_")[2] for name in names} == {"0", "1"}
    scripts = store.directory.glob("logs/slurm/*_submission.sh")
    assert [path.read_text() for path in scripts] == [place.render()]


def test_what_sbatch_refuses_is_said(slurm, tmp_path):
    store = make_store(tmp_path / "s", ALONE)
    with pytest.raises(InputError, match="invalid partition"):
        train(store, engine(store, settings=SlurmConfig(partition="moon")))
    assert snapshot(store).count("pending") == 6


@pytest.mark.slow
def test_a_requeued_job_saves_and_goes_on(slurm, tmp_path):
    store = make_store(tmp_path / "s", SIX + "engine: {cohort: 1}\n")
    place = engine(store, workers=1, seconds=2.0)
    requeued = []

    def requeue_once(_now):
        job = next(iter(place.jobs), None)
        if not requeued and at_work(store) and job:
            requeued.append(job)
            subprocess.run(["scontrol", "requeue", job], check=True)

    watching = Lines(print)
    watching.show = requeue_once
    now = supervise(store, place, 1, watching)
    assert now.count("finished") == 6
    assert sorted(ended(store)) == ["finished"] * 6 + ["preempted"]
    assert {holder_of(run.directory, 1).name for run in store.runs} == {f"slurm-{requeued[0]}"}


SUPERVISOR = """
    import signal
    import sys
    from sweeps.display import Lines
    from sweeps.engines.settings import SlurmConfig
    from sweeps.engines.slurm import SlurmEngine
    from sweeps.store import Store
    from sweeps.supervise import supervise
    from tests.sweeps.examples import WORKER
    signal.signal(signal.SIGINT, signal.default_int_handler)
    store = Store.open(sys.argv[1])
    settings = SlurmConfig(poll_seconds=0.3)
    engine = SlurmEngine(store.directory, 2, settings, (*WORKER, "--seconds", "1.5"))
    supervise(store, engine, 2, Lines(lambda text: print(text, flush=True)))
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_jobs_go_on_when_nobody_watches_and_are_found_again(slurm, tmp_path, how):
    store = make_store(tmp_path / "s", ALONE)
    code = textwrap.dedent(SUPERVISOR)
    first = subprocess.Popen(
        [sys.executable, "-c", code, str(store.directory)], stderr=subprocess.PIPE, text=True
    )
    workers = wait_for(lambda: len(found := at_work(store)) == 2 and found)
    first.send_signal(how)
    said = first.communicate(timeout=15)[1]
    if how == signal.SIGINT:
        assert "2 SLURM jobs go on; `scancel --user=" in said
    wait_for(lambda: snapshot(store).count("finished") >= 2)
    now = train(store, engine(store))
    assert now.count("finished") == 6
    assert ended(store) == ["finished"] * 6
    names = {holder_of(run.directory, 1).name for run in store.runs}
    assert names == workers, "no second array was submitted"


@pytest.mark.slow
def test_cancelled_jobs_save_and_leave_the_queue(slurm, tmp_path):
    store = make_store(tmp_path / "s", ALONE)
    place = engine(store, seconds=6)
    place.submit(2)
    wait_for(lambda: len(at_work(store)) == 2)
    place.cancel()
    assert place.poll()[0] == []
    assert ended(store) == ["preempted"] * 2
    assert read_json(store.runs[0].directory / "result.json") is None
