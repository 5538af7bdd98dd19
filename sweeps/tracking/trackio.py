"""Trackio: a database on this machine, unless its own variables name a server."""

import os
from contextlib import redirect_stdout
from io import StringIO

from sweeps.tracking.interface import Rows, Tracked, Tracker, Where, needed

QUIET = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1"}
"""Nothing is told to anybody else."""

FOLDER = "TRACKIO_DIR"
REMOTE = ("TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL")
"""Variables by which the user asks for another place."""


def make(where: Where) -> Tracker:
    """Runs in `into`, or in the user's TRACKIO_DIR."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    folder = os.environ.setdefault(FOLDER, str(where.into.resolve()))
    trackio = needed("trackio", "trackio")  # it reads the variable once

    def record(run: Tracked, rows: Rows) -> None:
        with redirect_stdout(StringIO()):  # it tells how it is looked at, as we do
            opened = trackio.init(
                project=where.project,
                name=run.unique_name,
                config={**run.settings, "status": run.status, "reason": run.reason},
                resume="allow",
                embed=False,
                auto_log_gpu=False,
                auto_log_cpu=False,
            )
            for step, scalars in rows.items():
                opened.log(dict(scalars), step=step)
            trackio.finish()

    remote = next((os.environ[name] for name in REMOTE if os.environ.get(name)), None)
    return Tracker(
        place=f"{remote or folder} {where.project}",
        record=record,
        look=remote or f"{FOLDER}={folder} trackio show --project {where.project}",
    )
