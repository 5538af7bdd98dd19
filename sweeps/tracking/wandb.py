"""Weights & Biases, offline unless one asks for more; `wandb sync` uploads what was written."""

import os

from sweeps.tracking.interface import Rows, Tracked, Tracker, Where, needed

AXIS = "step"
"""The x axis of every chart: wandb's own counter of steps takes none that it has passed."""


def make(where: Where) -> Tracker:
    """Runs in `into/wandb`; with `online` or the user's WANDB_MODE, on the server as well."""
    mode = "online" if where.online else os.environ.get("WANDB_MODE", "offline")
    if mode != "online":
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    wandb = needed("wandb", "wandb")
    settings = wandb.Settings(
        silent=True, console="off", disable_git=True, disable_code=True, x_disable_stats=True
    )

    def record(run: Tracked, rows: Rows) -> None:
        where.into.mkdir(parents=True, exist_ok=True)
        opened = wandb.init(
            project=where.project,
            id=run.id,
            name=run.name,
            config=dict(run.settings),
            dir=str(where.into),
            mode=mode,
            resume="allow",
            settings=settings,
        )
        opened.define_metric(AXIS, hidden=True)
        opened.define_metric("*", step_metric=AXIS)
        for step, scalars in rows.items():
            opened.log({AXIS: step, **scalars})
        opened.summary.update({"status": run.status, "reason": run.reason})
        opened.finish(exit_code=int(run.status in ("failed", "diverged")))

    sync = f"wandb sync {where.into / 'wandb' / 'offline-run-*'}"
    return Tracker(
        place=f"{mode} {where.project}",
        record=record,
        look=sync if mode == "offline" else "https://wandb.ai",
    )
