"""MLflow: runs of an experiment, in a database of our own unless MLFLOW_TRACKING_URI names one."""

import os
import re
import time
from itertools import batched
from typing import Any

from sweeps.tracking.interface import Rows, Tracked, Tracker, Where, flat, needed

RUN_TAG = "diffusion_scaling.run"
"""Holds the run's id, by which it is found again."""

STATUS = {"finished": "FINISHED", "diverged": "FAILED", "failed": "FAILED", "pending": "SCHEDULED"}
"""MLflow's words; else it is RUNNING."""

AT_ONCE = {"metrics": 1000, "params": 100}
"""The most that MLflow takes in one request."""

LONGEST = 6000
"""Characters of a setting."""

FORBIDDEN = re.compile(r"[^\w./ -]")
"""In MLflow's names of metrics and settings."""


def make(where: Where) -> Tracker:
    """An experiment called by the project."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    mlflow = needed("mlflow", "mlflow")
    entities = mlflow.entities
    own = f"sqlite:///{where.into.resolve() / 'mlflow.db'}"
    uri = os.environ.get("MLFLOW_TRACKING_URI") or own
    if uri == own:
        where.into.mkdir(parents=True, exist_ok=True)
    client = mlflow.MlflowClient(tracking_uri=uri)

    def experiment() -> str:
        found = client.get_experiment_by_name(where.project)
        if found:
            return found.experiment_id
        files = (where.into.resolve() / "artifacts").as_uri() if uri == own else None
        return client.create_experiment(where.project, artifact_location=files)

    def run_of(run: Tracked) -> str:
        of = experiment()
        (found,) = client.search_runs([of], f"tags.`{RUN_TAG}` = '{run.id}'", max_results=1) or (
            None,
        )
        if found:
            return found.info.run_id
        made = client.create_run(of, run_name=run.name, tags={RUN_TAG: run.id}).info.run_id
        params = [
            entities.Param(_allowed(name), _short(value))
            for name, value in flat(run.settings).items()
        ]
        for some in batched(params, AT_ONCE["params"]):
            client.log_batch(made, params=some)
        return made

    def record(run: Tracked, rows: Rows) -> None:
        to, now = run_of(run), int(time.time() * 1000)
        metrics = [
            entities.Metric(_allowed(name), value, now, step)
            for step, scalars in rows.items()
            for name, value in scalars.items()
        ]
        for some in batched(metrics, AT_ONCE["metrics"]):
            client.log_batch(to, metrics=some)
        client.set_tag(to, "status", run.status)
        if run.reason:
            client.set_tag(to, "reason", run.reason)
        client.update_run(to, status=STATUS.get(run.status, "RUNNING"))

    look = f"mlflow ui --backend-store-uri {uri}"
    return Tracker(place=f"{uri} {where.project}", record=record, look=look)


def _allowed(name: str) -> str:
    return FORBIDDEN.sub("_", name)


def _short(value: Any) -> str:
    text = str(value)
    ending = "... (whole in run.json)"
    return text if len(text) <= LONGEST else text[: LONGEST - len(ending)] + ending
