"""Sections of a manifest's `engine:` for the engines beyond this machine."""

import re

from pydantic import Field, field_validator

from scaling.config import Section


class SlurmConfig(Section):
    """A job of one node for each worker; what is absent is left to the cluster."""

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = Field(default=None, description="features of the nodes")
    time_limit_minutes: int = Field(default=60, ge=1, description="of a job, before it is requeued")
    cpus_per_task: int = Field(default=1, ge=1)
    gpus_per_node: int = Field(default=0, ge=0)
    mem: str | None = Field(default=None, description="memory of a job, such as 32G")
    signal_seconds: int = Field(
        default=120, ge=1, description="before the time limit, when a worker is told to save"
    )
    requeues: int = Field(
        default=20, ge=0, description="how often one job is requeued at its time limit"
    )
    setup: list[str] = Field(default=[], description="shell lines before a worker is started")
    directives: dict[str, str | int | bool] = Field(
        default={}, description="further `#SBATCH --key=value` lines; true: without a value"
    )
    poll_seconds: float = Field(default=10.0, gt=0, description="between questions to squeue")

    @field_validator("mem")
    @classmethod
    def _size(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"\d+[KMGT]?B?", value):
            raise ValueError(f"must be a whole number and K, M, G or T, as in 32G, not '{value}'")
        return value


class RayConfig(Section):
    """A task for each worker, on a cluster that is there or on one started here."""

    address: str | None = Field(
        default=None,
        description="of a cluster: HOST:PORT, ray://HOST:PORT or auto; none: start one here",
    )
    num_cpus: float = Field(default=1.0, gt=0, description="of a worker")
    num_gpus: float = Field(default=0.0, ge=0, description="of a worker")
    resources: dict[str, float] = Field(default={}, description="the cluster's own, of a worker")


class CommandConfig(Section):
    """A shell command for each worker, of any tool that starts things elsewhere.

    In the templates {worker} is the command that must be executed there, {worker_quoted} the same
    as one word for the shell, {index} the worker's place from 0 to workers - 1, {name} a name of
    lower-case letters, digits and dashes that is new at every start, {directory} the sweep's.
    """

    start: str = Field(default="", description="lasts as long as the worker, unless `alive` is set")
    alive: str | None = Field(
        default=None,
        description="exits with status 0 as long as the worker runs or waits; then `start` is "
        "expected to return at once",
    )
    cancel: str | None = Field(
        default=None, description="ends the worker; none: SIGTERM to the command of `start`"
    )
    poll_seconds: float = Field(default=10.0, gt=0, description="between commands of `alive`")
