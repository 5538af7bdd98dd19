"""Workers as jobs of a SLURM array, submitted and requeued by submitit."""

import getpass
import hashlib
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaling.errors import InputError
from sweeps.engines import slurm_job
from sweeps.engines.child import log_of
from sweeps.engines.interface import Ended
from sweeps.engines.settings import SlurmConfig
from sweeps.engines.words import last_words

if TYPE_CHECKING:
    from sweeps.sections import EngineConfig

SILENT_SECONDS = 600.0
"""How long squeue may fail before the sweep is given up; a controller may be started anew."""

END_SECONDS = 90.0
"""How long cancelled jobs may take to end."""


def make(directory: Path, workers: int, config: "EngineConfig") -> "SlurmEngine":
    """As the registry asks. InputError without submitit, which executes the jobs too."""
    try:
        import_module("submitit")
    except ImportError:
        raise InputError(
            "engine slurm needs submitit: pip install 'diffusion-scaling[slurm]'"
        ) from None
    return SlurmEngine(directory, workers, config.slurm)


class SlurmEngine:
    """Jobs that go on when nobody watches; the next engine finds them by their name."""

    def __init__(
        self, directory: Path, workers: int, settings: SlurmConfig, command: Sequence[str] = ()
    ):
        self.directory, self.workers = directory.resolve(), workers
        self.settings, self.command = settings, command
        digest = hashlib.sha256(str(self.directory).encode()).hexdigest()[:8]
        self.name = f"scaling-{re.sub(r'[^A-Za-z0-9._-]', '-', self.directory.name)}-{digest}"
        self.jobs: set[str] = set()  # that have not been seen to end
        self.asked_at, self.answered_at = -float("inf"), time.monotonic()

    def render(self) -> str:
        """The script for sbatch; every job of the array starts one worker."""
        folder = slurm_job.folder(self.directory)
        return import_module("submitit.slurm.slurm")._make_sbatch_string(
            command=f"{shlex.quote(sys.executable)} -u -m submitit.core._submit "
            f"{shlex.quote(str(folder))}",
            folder=folder,
            map_count=self.workers if self.workers > 1 else None,
            **self._parameters(),
        )

    def submit(self, count: int) -> None:
        """One array of `count` jobs. InputError with sbatch's words where it refuses."""
        if not count:
            return
        if not shutil.which("sbatch"):
            raise InputError("engine slurm: no `sbatch` here; give the command on a login node")
        submitit, problems = map(import_module, ("submitit", "submitit.core.utils"))
        executor = submitit.SlurmExecutor(
            folder=slurm_job.folder(self.directory), max_num_timeout=self.settings.requeues
        )
        executor.update_parameters(**self._parameters())
        worker = slurm_job.SlurmWorker(self.directory, self.settings.cpus_per_task, self.command)
        try:
            jobs = executor.submit_array([worker] * count)
        except (problems.FailedJobError, problems.FailedSubmissionError) as error:
            raise InputError(f"engine slurm: {str(error).strip()}") from error
        self.jobs |= {job.job_id for job in jobs}

    def poll(self) -> tuple[list[str], list[Ended]]:
        """Jobs in the queue or running, asked for at most every `poll_seconds`."""
        ended = []
        if time.monotonic() - self.asked_at >= self.settings.poll_seconds:
            listed = self._listed()
            if listed is not None:
                ended = [self._ended(job) for job in sorted(self.jobs - listed)]
                self.jobs = listed
            self.asked_at = time.monotonic()
        return [slurm_job.worker_name(job) for job in sorted(self.jobs)], ended

    def cancel(self) -> None:
        """`scancel`: SIGTERM, then SIGKILL after the cluster's KillWait."""
        until = time.monotonic() + END_SECONDS
        if not shutil.which("scancel") or not self._listed():
            return
        subprocess.run(self._scancel(), capture_output=True, check=False)
        while self._listed() and time.monotonic() < until:
            time.sleep(0.5)

    def leave(self) -> str:
        """Jobs go on."""
        jobs = self._listed() if shutil.which("squeue") else set()
        if not jobs:
            return ""
        return f"{len(jobs)} SLURM jobs go on; `{shlex.join(self._scancel())}` ends them"

    def _scancel(self) -> list[str]:
        return ["scancel", f"--user={getpass.getuser()}", f"--name={self.name}"]

    def _listed(self) -> set[str] | None:
        """Ids of our jobs that squeue knows, in whatever state; None if it did not answer."""
        user = f"--user={getpass.getuser()}"
        command = ["squeue", "--noheader", "--array", "--format=%i", user, f"--name={self.name}"]
        found = subprocess.run(command, capture_output=True, text=True, check=False)
        if found.returncode == 0:
            self.answered_at = time.monotonic()
            return set(found.stdout.split())
        if time.monotonic() - self.answered_at > SILENT_SECONDS:
            raise InputError(f"engine slurm: squeue does not answer: {found.stderr.strip()}")
        return None

    def _ended(self, job: str) -> Ended:
        left = slurm_job.exit_file(self.directory, job)
        name = slurm_job.worker_name(job)
        words = last_words(log_of(self.directory, name)) or last_words(
            slurm_job.folder(self.directory) / f"{job}_0_log.err"
        )
        return Ended(name, int(left.read_text()) if left.exists() else None, words)

    def _parameters(self) -> dict[str, Any]:
        given = self.settings
        return {
            "job_name": self.name,
            "partition": given.partition,
            "account": given.account,
            "qos": given.qos,
            "constraint": given.constraint,
            "time": given.time_limit_minutes,
            "cpus_per_task": given.cpus_per_task,
            "gpus_per_node": given.gpus_per_node or None,
            "mem": given.mem,
            "wckey": None,
            # submitit listens for the signal of this name in its environment.
            "setup": ["export SUBMITIT_PREEMPT_SIGNAL=USR1", *given.setup],
            "additional_parameters": {
                "signal": f"USR1@{given.signal_seconds}",
                "requeue": True,
                **given.directives,
            },
        }
