"""A real SLURM cluster of one node on this machine, started by hand: munged, slurmctld, slurmd."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "srun")

SETTINGS = """\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
AuthType=auth/munge
AuthInfo=socket={place}/munge.socket,cred_expire=5
SlurmUser=root
StateSaveLocation={place}/state
SlurmdSpoolDir={place}/spool
SlurmctldPidFile={place}/slurmctld.pid
SlurmdPidFile={place}/slurmd.pid
SlurmctldLogFile={place}/slurmctld.log
SlurmdLogFile={place}/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobRequeue=1
ReturnToService=2
SchedulerParameters=sched_interval=2,batch_sched_delay=1,sched_min_interval=200000
KillWait=10
OverTimeLimit=1
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=tests Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def why_not() -> str:
    """Why no cluster can be started here; empty if one can."""
    missing = [name for name in NEEDED if not shutil.which(name)]
    if missing:
        return f"not installed: {', '.join(missing)} (Debian's slurm-wlm and munge)"
    return "" if os.geteuid() == 0 else "only root can start SLURM's daemons"


@contextmanager
def cluster(place: Path) -> Iterator[dict[str, str]]:
    """A running cluster; yields the environment by which commands find it."""
    place.mkdir(mode=0o755)
    for name in ("state", "spool"):
        (place / name).mkdir()
    key = place / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o600)
    host = socket.gethostname().partition(".")[0]
    settings = place / "slurm.conf"
    settings.write_text(
        SETTINGS.format(host=host, place=place, controller=_free_port(), node=_free_port())
    )
    environment = {**os.environ, "SLURM_CONF": str(settings)}
    daemons = []

    def start(*command: str) -> None:
        with (place / f"{command[0]}.out").open("wb") as out:
            daemons.append(
                subprocess.Popen(command, env=environment, stdout=out, stderr=out, stdin=-3)
            )

    files = [f"--{kind}-file={place}/munge.{kind}" for kind in ("key", "pid", "log", "seed")]
    try:
        start("munged", "--foreground", "--force", f"--socket={place}/munge.socket", *files)
        _wait((place / "munge.socket").exists, place)
        start("slurmctld", "-D", "-c")
        start("slurmd", "-D", "-N", host)
        _wait(lambda: _is_idle(environment), place)
        yield environment
    finally:
        everything = ["scancel", "--partition=tests"]
        subprocess.run(everything, env=environment, capture_output=True, check=False)
        _wait(lambda: not _asked(environment, "squeue", "--noheader"), place)
        for daemon in reversed(daemons):
            daemon.terminate()
        for daemon in reversed(daemons):
            try:
                daemon.wait(timeout=10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def _asked(environment: dict[str, str], *command: str) -> str:
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return found.stdout.strip()


def _is_idle(environment: dict[str, str]) -> bool:
    return _asked(environment, "sinfo", "--noheader", "--format=%t") == "idle"


def _wait(condition, place: Path, seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            logs = {path.name: path.read_text()[-600:] for path in place.glob("*.[lo]*")}
            raise AssertionError(f"SLURM did not start or end: {logs}")
        time.sleep(0.1)
